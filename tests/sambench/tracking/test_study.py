"""Whole studies that are tracked: every run, the leaderboard, and nothing twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wandb_files
from click.testing import CliRunner

from sambench import records
from sambench.cli.app import cli
from sambench.errors import UserError


def tracked(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("wandb/offline-run-*"))


def test_every_run_and_the_leaderboard_are_tracked(spec: Any, run: Any, tmp_path: Path):
    spec["equal_epochs"] = True
    folder = tmp_path / "runs" / "tiny"
    run(spec, wandb="offline")
    found = wandb_files.runs(folder)
    ids = {told.id for told in found.values()}
    rows = records.read(folder / "records.csv").records
    assert len(rows) == 15 and {row.wandb for row in rows} < ids
    for row in rows:
        told = found[f"{row.stage}-{row.variant}-t{row.trial}-s{row.seed}"]
        assert told.id == row.wandb
        assert told.config["variant"] == row.variant and told.config["lr"] == row.lr
        assert len(told.history) == row.epochs_done
        assert told.history[-1]["gradient_evaluations"] == row.gradient_evaluations
        assert told.summary["val_accuracy"] == row.val_accuracy
        tuned = row.stage == "confirm" and row.variant == "plain"
        assert told.job_type == ("equal-compute" if tuned else row.stage)
        names = {"train_loss", "val_loss", "train_accuracy", "val_accuracy", "lr", "radius"}
        names |= {"grad_norm", "grad_norm_perturbed", "cosine", "rise", "images_per_s"}
        assert names < set(told.history[0])

    whole = found["tiny: leaderboard"]
    assert (whole.job_type, whole.group, whole.exit_code) == ("summary", "tiny", 0)
    assert whole.summary["headline"]
    (table,) = folder.glob(f"wandb/*-{whole.id}/files/{whole.summary['leaderboard.path']}")
    content = json.loads(table.read_text())
    accuracy = content["columns"].index("test_accuracy")
    assert {line[1] for line in content["data"]} == {"plain", "sam"}
    assert all(0 <= line[accuracy] <= 1 for line in content["data"])
    figures = sorted(path.name for path in folder.glob("leaderboard/*.svg"))
    assert "accuracy.svg" in figures
    assert set(whole.artifacts["tiny-records"]) == {"records.csv", "leaderboard.md", *figures}
    assert all(whole.summary[f"{Path(name).stem}._type"] == "html-file" for name in figures)

    before = tracked(folder)
    run(spec, wandb="offline")
    assert tracked(folder) == before


def test_a_study_that_ran_untracked_can_be_tracked_afterwards(
    spec: Any, run: Any, recorded: Any, tmp_path: Path
):
    folder = tmp_path / "runs" / "tiny"
    run(spec)
    before = [replace(row, wandb="") for row in recorded(folder)]
    assert not (folder / "wandb").exists()
    run(spec, wandb="offline")
    found = wandb_files.runs(folder)
    assert len(found) == 11
    for row in records.read(folder / "records.csv").records:
        assert (
            len(found[f"{row.stage}-{row.variant}-t{row.trial}-s{row.seed}"].history) == row.epochs
        )
    assert [replace(row, wandb="") for row in recorded(folder)] == before


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
