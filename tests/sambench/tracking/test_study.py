"""Whole studies that are tracked: every run, the leaderboard, and nothing twice."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import wandb_files
from click.testing import CliRunner
from rich.console import Console

from sambench import records
from sambench.cli.app import cli
from sambench.errors import UserError


def tracked(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("wandb/offline-run-*"))


def by_id(folder: Path) -> dict[str, wandb_files.Offline]:
    return {told.id: told for told in wandb_files.runs(folder).values()}


def test_every_run_and_the_leaderboard_are_tracked(spec: Any, run: Any, tmp_path: Path):
    folder = tmp_path / "runs" / "tiny"
    shown = StringIO()
    run(spec, wandb="offline", console=Console(file=shown))
    found = by_id(folder)
    rows = records.read(folder / "records.csv").records
    assert len(rows) == 17 == len({row.wandb for row in rows} & set(found))
    for row in rows:
        told = found[row.wandb]
        assert told.name.startswith(f"tiny/{row.stage}-{row.variant}-")
        assert (told.group, told.job_type) == (f"tiny/{row.variant}", row.stage)
        of_row = {"variant": row.variant, "rerun": row.rerun, "lr": row.lr}
        assert told.config.items() >= of_row.items()
        assert told.config.get("point", -1) == row.point
        assert told.config.get("rho") == row.rho
        assert len(told.history) == row.epochs_done
        assert told.history[-1]["gradient_evaluations"] == row.gradient_evaluations
        assert told.summary["val_accuracy"] == row.val["accuracy"]
        names = {"train_loss", "val_loss", "train_accuracy", "val_accuracy", "scheduled_lr"}
        assert names | {"items_per_s"} < set(told.history[0])
        perturbed = {"grad_norm_perturbed", "cosine", "rise", "radius"}
        of_perturbed = perturbed if row.variant == "sam" else set()
        assert perturbed & set(told.history[0]) == of_perturbed
        seen = {*told.summary, *told.config, *(name for line in told.history for name in line)}
        assert not [name for name in seen if name.startswith("test")]  # the report's alone
    assert "test_" not in (folder / "journal.log").read_text()
    assert "test " not in shown.getvalue()

    (whole,) = (told for told in found.values() if told.job_type == "summary")
    assert (whole.name, whole.group, whole.exit_code) == ("tiny: leaderboard", "tiny", 0)
    assert whole.summary["headline"]
    (table,) = folder.glob(f"wandb/*-{whole.id}/files/{whole.summary['leaderboard.path']}")
    content = json.loads(table.read_text())
    arm = content["columns"].index("arm")
    assert {line[arm] for line in content["data"]} == {"plain", "sam"}
    figures = sorted(path.name for path in folder.glob("leaderboard/*.svg"))
    assert set(whole.artifacts["tiny-records"]) == {"records.csv", "leaderboard.md", *figures}
    assert all(whole.summary[f"{Path(name).stem}._type"] == "html-file" for name in figures)

    before = tracked(folder)
    run(spec, wandb="offline")
    assert tracked(folder) == before


def test_a_study_that_ran_untracked_can_be_tracked_afterwards(
    spec: Any, run: Any, ran: Any, recorded: Any, tmp_path: Path
):
    """First without W&B, then what the test set scores, then all of it."""
    folder = tmp_path / "runs" / "tiny"
    ran()
    before = recorded(folder)
    assert not (folder / "wandb").exists()
    stages = []
    for asked in ("none", "confirm", "all"):
        run(spec, wandb="offline", wandb_runs=asked)
        rows = records.read(folder / "records.csv").records
        stages.append({row.stage for row in rows if row.wandb})
        assert len(by_id(folder)) == sum(bool(row.wandb) for row in rows) + 1
    assert stages == [set(), {"confirm", "setting"}, {"pool", "confirm", "setting"}]
    assert [replace(row, wandb="") for row in recorded(folder)] == before


def test_a_choice_that_nobody_knows_runs_nothing(spec: Any, run: Any, tmp_path: Path):
    with pytest.raises(UserError, match="--wandb-runs: unknown choice 'pools'"):
        run(spec, wandb_runs="pools")
    assert not (tmp_path / "runs").exists()


def test_online_without_a_login_launches_nothing(spec: Any, run: Any, tmp_path: Path):
    with pytest.raises(UserError, match="wandb login"):
        run(spec, wandb="online")
    assert not (tmp_path / "runs" / "tiny" / "study.json").exists()


def test_an_unknown_mode_is_named(study_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "ofline")
    result = CliRunner().invoke(cli, ["study", str(study_file)])
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(
        "WANDB_MODE: unknown mode 'ofline', did you mean offline"
    )
