"""A W&B sweep over the points of a pool: its runs are the study's own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb_files

from sambench import config, records
from sambench.study import StudyFolder
from sambench.study import point as points
from sambench.sweeps import agent_trial

Sambench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(study_file: Path, tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "runs", config.load(study_file))


@pytest.mark.slow
def test_a_sweep_runs_the_pool_and_the_study_goes_on(
    sambench: Sambench, folder: StudyFolder, run: Callable[..., Any], tmp_path: Path
) -> None:
    done = sambench("sweep", "export", "tiny.toml", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    file = str(folder.path / "sweep-plain.yaml")
    done = sambench("sweep", "run", file, "--local", "--json")
    assert done.returncode == 0, done.stderr
    found = {ended["config"]["point"]: ended for ended in json.loads(done.stdout)}
    assert set(found) == {0, 1} and {ended["state"] for ended in found.values()} == {"finished"}

    swept = tmp_path / "runs" / "sweeps" / "tiny-plain" / "wandb"
    told = {own.id: own for own in map(wandb_files.read, swept.glob("offline-run-*/*.wandb"))}
    before = {}
    for point, ended in found.items():
        planned = points.plan(folder, "plain", point, "cpu")
        own, kept = told[ended["run_id"]], folder.run(planned) / "result.json"
        before[kept] = kept.read_bytes()
        outcome = json.loads(kept.read_text())["outcome"]
        assert (own.group, own.job_type, own.exit_code) == ("tiny/plain", "pool", 0)
        assert own.config["lr"] == planned.lr and own.config["point"] == point
        assert own.summary["val_accuracy"] == outcome["scores"]["val_accuracy"] == ended["last"]
        assert not [name for name in {*own.summary, *own.config} if name.startswith("test")]

    run(folder.study, wandb="offline")
    assert {path: path.read_bytes() for path in before} == before
    rows = records.read(folder.records).records
    assert not [row for row in rows if row.source == "sweep" or row.stage == "sweep"]
    where = {row.point: row.wandb for row in rows if (row.variant, row.stage) == ("plain", "pool")}
    assert where == {point: ended["run_id"] for point, ended in found.items()}
    own = wandb_files.runs(folder.path)  # the study tells what no agent has told
    assert "pool-sam-p0" in own and not [name for name in own if name.startswith("pool-plain")]
    assert len(own) == len(rows) - 2 + 1


@pytest.mark.slow
def test_a_point_that_is_over_is_told_whole(
    sambench: Sambench, study_file: Path, tmp_path: Path
) -> None:
    """An agent that asks again gets a run of its own, with lr and radius and every epoch."""
    agent = {"WANDB_MODE": "offline", "WANDB_SWEEP_ID": "swp00000", "WANDB_DIR": str(tmp_path)}
    words = ("trial", "tiny.toml", "--variant", "sam", "--point", "0", "--device", "cpu", "--json")
    outcomes = [sambench(*words, WANDB_RUN_ID=id, **agent) for id in ("run00000", "run00001")]
    first, again = (json.loads(done.stdout) for done in outcomes)
    assert first == again
    for told in map(wandb_files.read, tmp_path.glob("wandb/offline-run-*/*.wandb")):
        assert [row["epoch"] for row in told.history] == [1, 2]
        assert (told.config["lr"], told.config["rho"]) == (
            first["lr"],
            first["hyperparameters"]["rho"],
        )
    assert not list(tmp_path.glob("runs/tiny/sweeps"))


def test_a_crash_is_an_outcome_that_is_tried_again(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traceback is kept, and whoever asks for the point next trains it."""

    def crashes(*words: Any, **more: Any) -> None:
        raise ZeroDivisionError("a bug of yours")

    monkeypatch.setenv("WANDB_MODE", "disabled")
    run = points.plan(folder, "sam", 0, "cpu")
    data = folder.path.parent / "data"
    with monkeypatch.context() as patched:
        patched.setattr("sambench.executors.assignment.train", crashes)
        failed = agent_trial.execute_point(run, folder, data)
    assert (failed.outcome, failed.reason) == ("failed", "ZeroDivisionError: a bug of yours")
    assert "in crashes" in (folder.run(run) / "error.txt").read_text()
    assert agent_trial.execute_point(run, folder, data).outcome == "complete"
    assert not (folder.run(run) / "error.txt").exists()
