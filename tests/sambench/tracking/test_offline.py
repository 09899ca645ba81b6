"""Runs kept in files by the real client, read back; what a kill leaves; a full disk."""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import wandb_files

from sambench import tracking
from sambench.records import Axis, Quantity, Score, pack_numbers
from sambench.tracking import Tracker, run_id
from sambench.training import Outcome, Run

ROWS = [{"epoch": e, "scheduled_lr": 0.1 / e, "val_accuracy": 0.3 + e / 10} for e in (1, 2, 3)]
DONE = Outcome(
    "complete", scores={"test_accuracy": 0.25}, gradient_evaluations=8.0, history=tuple(ROWS)
)


def track(tracker: Tracker, run: Run, outcome: Outcome, rows: Any = ROWS) -> None:
    tracker.start(run)
    for row in rows:
        tracker.log(run, row)
    tracker.finish(run, outcome)


def logged(run: wandb_files.Offline) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ROWS[0]} for row in run.history]


def test_runs_hold_all_that_panels_need(run_: Run, tmp_path: Path):
    pruned = replace(run_, stage="pool", point=1)
    stopped = Outcome("pruned", "pruned after epoch 1", history=tuple(ROWS[:1]))
    diverged = replace(run_, stage="pool", point=2)
    nan = Outcome("diverged", "non-finite loss in epoch 1", history=tuple(ROWS[:1]))
    failed = replace(run_, stage="pool", point=4)
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE)
        track(tracker, pruned, stopped, ROWS[:1])
        track(tracker, diverged, nan, ROWS[:1])
        track(tracker, failed, Outcome("failed", "out of memory"), [])
        tracker.settle()
        assert tracker.path(run_) == run_id(run_)

    found = wandb_files.runs(tmp_path)
    whole = found[run_.id]
    told = tracking.describe(run_)
    assert (whole.id, whole.project) == (run_id(run_), "sambench")
    assert (whole.group, whole.job_type) == ("tiny/sam", "confirm")
    assert whole.tags == told["tags"]
    assert whole.config == told["config"]
    assert logged(whole) == ROWS
    assert [row["_step"] for row in whole.history] == [1, 2, 3]
    assert whole.summary["val_accuracy"] == 0.6  # the last epoch's, in the panels' reach
    assert whole.summary["state"] == "complete" and "test_accuracy" not in whole.summary
    assert (whole.exit_code, whole.notes) == (0, "")

    for run, outcome, code in ((pruned, stopped, 0), (diverged, nan, 0)):
        ended = found[run.id]
        assert (ended.summary["state"], ended.summary["reason"]) == (
            outcome.outcome,
            outcome.reason,
        )
        assert (ended.notes, ended.tags[-1], ended.exit_code) == (
            outcome.reason,
            outcome.outcome,
            code,
        )
    assert (found[failed.id].exit_code, found[failed.id].notes) == (1, "out of memory")


BINS = Quantity(
    name="ece",
    unit="share",
    direction="minimize",
    axes=(Axis(name="bin", ticks=(1, 2)), Axis(name="of", ticks=("images", "right"))),
)
NLL = Score(name="nll", unit="nats", direction="minimize")


def test_what_was_measured_of_its_weights_is_shown(run_: Run, tmp_path: Path):
    details = {"ece": pack_numbers(np.array([[0.75, 0.5], [0.25, np.nan]]))}
    found = tracking.measured([BINS, NLL], {"ece": 0.125, "nll": 1.5, "other": 2.0}, details)
    with Tracker(tmp_path, "offline") as tracker:
        tracker.start(run_)
        for row in ROWS:
            tracker.log(run_, row)
        tracker.finish(run_, DONE, found)
    run = wandb_files.runs(tmp_path)[run_.id]
    assert (run.summary["measure_ece"], run.summary["measure_nll"]) == (0.125, 1.5)
    assert "measure_other" not in run.summary
    assert logged(run) == ROWS and [row["_step"] for row in run.history] == [1, 2, 3]
    (table,) = tmp_path.glob(f"wandb/*-{run.id}/files/{run.summary['details_ece.path']}")
    content = json.loads(table.read_text())
    assert content["columns"] == ["bin", "of", "ece"]
    assert content["data"] == [[1, "images", 0.75], [1, "right", 0.5], [2, "images", 0.25]]


def test_a_run_that_is_measured_later_is_told_again_and_once(run_: Run, tmp_path: Path):
    steps = [(None, True), (1.5, True), (1.5, False), (None, False), (1.25, True)]
    shown = None
    for value, told in steps:
        before = {*tmp_path.glob("wandb/offline-run-*/*.wandb")}
        values = {} if value is None else {"nll": value}
        with Tracker(tmp_path, "offline") as tracker:
            tracker.finish(run_, DONE, tracking.measured([NLL], values, {}))
        shown = shown if value is None else value
        run = wandb_files.runs(tmp_path)[run_.id]
        assert (logged(run), run.summary.get("measure_nll")) == (ROWS, shown)
        assert ({*tmp_path.glob("wandb/offline-run-*/*.wandb")} != before) == told


def test_a_run_that_a_kill_cut_off_becomes_one_coherent_run(run_: Run, tmp_path: Path):
    """The checkpoint knew one epoch, W&B two: the second is trained and told again."""
    cut = Tracker(tmp_path, "offline").__enter__()
    cut.start(run_)
    for row in ROWS[:2]:
        cut.log(run_, row)
    cut.__exit__(KeyboardInterrupt, None, None)
    (before,) = tmp_path.glob("wandb/offline-run-*")
    assert logged(wandb_files.read(next(before.glob("*.wandb")))) == ROWS[:2]
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE, ROWS[1:])
    run = wandb_files.runs(tmp_path)[run_.id]
    assert logged(run) == ROWS
    assert [row["_step"] for row in run.history] == [1, 2, 3]
    assert run.exit_code == 0
    assert not before.exists()


def cut(folder: Path, run: Run, rows: Any) -> None:
    tracker = Tracker(folder, "offline").__enter__()
    tracker.start(run)
    for row in rows:
        tracker.log(run, row)
    tracker.__exit__(KeyboardInterrupt, None, None)


def test_every_file_of_a_run_holds_what_the_earlier_ones_hold(run_: Run, tmp_path: Path):
    """Cut off twice; after a sync of each W&B has all rows, since the later file replaces."""
    files: list[Path] = []
    for rows in (ROWS[:2], ROWS[2:]):
        cut(tmp_path, run_, rows)
        (new,) = {*tmp_path.glob("wandb/offline-run-*/*.wandb")} - {*files}
        files.append(new)
    assert [logged(wandb_files.read(file)) for file in files] == [ROWS[:2], ROWS]
    with Tracker(tmp_path, "offline") as tracker:
        tracker.finish(run_, DONE)
    assert logged(wandb_files.runs(tmp_path)[run_.id]) == ROWS
    assert not (tmp_path / "wandb" / "told").exists()


def test_a_file_that_would_replace_rows_by_nothing_is_not_left(run_: Run, tmp_path: Path):
    """Where nobody knows any more what was told."""
    cut(tmp_path, run_, ROWS[:2])
    shutil.rmtree(tmp_path / "wandb" / "told")
    cut(tmp_path, run_, ROWS[2:])
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    assert logged(wandb_files.read(file)) == ROWS[:2]


def test_a_torn_line_of_what_was_told_costs_that_line(run_: Run, tmp_path: Path):
    cut(tmp_path, run_, ROWS[:2])
    (told,) = tmp_path.glob("wandb/told/*")
    told.write_text(told.read_text()[:-5])
    cut(tmp_path, run_, ROWS[1:2])
    last = max(tmp_path.glob("wandb/offline-run-*/*.wandb"), key=lambda file: file.stat().st_mtime)
    assert logged(wandb_files.read(last)) == ROWS[:2]
    assert len(told.read_text().splitlines()) == 2


def test_what_a_baseline_has_not_is_left_out(run_: Run, tmp_path: Path):
    """W&B draws a NaN as a value of its own; a loss that was lost is one."""
    plain = replace(run_, label="plain", key="plain", hyperparameters={}, radius=None)
    row = {**ROWS[0], "cosine": math.nan, "radius": math.nan, "train_loss": math.nan}
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, plain, Outcome("diverged", "non-finite loss", history=(row,)), [row])
    told = wandb_files.runs(tmp_path)[plain.id]
    assert "rho" not in told.config
    names = {name for name in told.history[0] if not name.startswith("_")}
    assert names == {"epoch", "scheduled_lr", "val_accuracy", "train_loss"}
    assert not {"cosine", "radius"} & set(told.summary)


def test_a_worker_that_is_replaced_says_nothing_twice(run_: Run, tmp_path: Path):
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE, [*ROWS[:2], *ROWS[1:]])
    assert logged(wandb_files.runs(tmp_path)[run_.id]) == ROWS


def test_a_killed_study_leaves_a_killed_run_and_no_process(run_: Run, tmp_path: Path):
    tracker = Tracker(tmp_path, "offline").__enter__()
    tracker.start(run_)
    tracker.log(run_, ROWS[0])
    client = tracker._client
    assert client is not None
    process = client.process
    while not (files := list(tmp_path.glob("wandb/offline-run-*/*.wandb"))):
        time.sleep(0.05)
    helpers = psutil.Process(process.pid).children(recursive=True)
    assert helpers
    tracker.mode = "disabled"  # a dead study hears nothing
    client.put(None)  # closes the pipe, as the death of a study does
    assert process.wait(30) == 0
    psutil.wait_procs(helpers, timeout=30)
    assert not [helper for helper in helpers if helper.is_running()]
    tracker.__exit__(KeyboardInterrupt, None, None)
    assert wandb_files.read(files[0]).exit_code == 255


def test_what_an_earlier_process_finished_is_told_once(run_: Run, tmp_path: Path):
    """Also a run that it finished without W&B."""
    other = replace(run_, point=4)
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE)
    with Tracker(tmp_path, "offline") as tracker:
        tracker.finish(run_, DONE)
        assert tracker._client is None
        tracker.finish(other, DONE)
        tracker.settle()
        assert tracker.path(run_) == run_id(run_)
    found = wandb_files.runs(tmp_path)
    assert logged(found[other.id]) == logged(found[run_.id]) == ROWS


@pytest.mark.parametrize(("asked", "told"), [("confirm", ["confirm", "setting"]), ("none", [])])
def test_only_the_runs_that_were_asked_for_are_told(
    run_: Run, tmp_path: Path, asked: str, told: list[str]
):
    runs = [replace(run_, stage=stage) for stage in ("pool", "confirm", "setting")]
    with Tracker(tmp_path, "offline", tracking.stages(asked)) as tracker:
        for run in runs:
            track(tracker, run, DONE)
        tracker.settle()
        assert [run.stage for run in runs if tracker.path(run)] == told
    assert sorted(run.job_type for run in wandb_files.runs(tmp_path).values()) == told


def test_what_an_agent_has_told_is_not_told_again(run_: Run, tmp_path: Path):
    """Neither before the study runs nor while it does."""
    runs = [replace(run_, stage="pool", point=point) for point in range(3)]
    tracking.note(tmp_path, runs[0], "agents/run0")
    with Tracker(tmp_path, "offline") as tracker:
        tracker.finish(runs[0], DONE)
        tracker.finish(runs[2], DONE)
        tracker.settle()
        tracking.note(tmp_path, runs[1], "agents/run1")
        tracker.finish(runs[1], DONE)
        tracker.settle()
        assert [tracker.path(run) for run in runs] == [
            "agents/run0", "agents/run1", run_id(runs[2])
        ]  # fmt: skip
    assert set(wandb_files.runs(tmp_path)) == {runs[2].id}


def test_fifty_runs_leave_nothing_behind(run_: Run, tmp_path: Path):
    here = psutil.Process()
    with Tracker(tmp_path, "offline") as tracker:
        use: list[tuple[int, int, int]] = []
        for point in range(50):
            track(tracker, replace(run_, point=point), DONE)
            tracker.settle()
            assert tracker._client is not None
            theirs = psutil.Process(tracker._client.process.pid)
            mine = here.num_threads() + theirs.num_threads(), here.num_fds() + theirs.num_fds()
            use.append((*mine, theirs.memory_info().rss))
    assert len(wandb_files.runs(tmp_path)) == 50
    (threads, handles, memory), (more_threads, more_handles, more_memory) = use[9], use[-1]
    assert more_threads <= threads + 2 and more_handles <= handles + 2
    assert more_memory - memory < 20e6
    psutil.wait_procs(here.children(recursive=True), timeout=0)
    assert not [child for child in here.children(recursive=True) if "wandb" in child.name()]


@pytest.mark.parametrize("dies", [False, True])
def test_no_temporary_folder_is_left(
    run_: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: bool
):
    """W&B makes four, and leaves them where its process is ended or fails."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with Tracker(tmp_path / "study", "offline") as tracker:
        track(tracker, run_, DONE)
        tracker.settle()
        assert any(scratch.rglob("*wandb*"))
        if dies:
            assert tracker._client is not None
            tracker._client.kill()
    assert not list(scratch.iterdir())


def test_a_disk_that_is_full_is_told_once(
    run_: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Files beyond a size fail as on a full disk; W&B itself says nothing about it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Tracker(tmp_path / "study", "offline") as tracker:
        track(tracker, run_, DONE)
        track(tracker, replace(run_, point=4), DONE)
        tracker.settle()
        assert tracker.path(run_) == ""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("W&B failed: ") and line.endswith("; the study goes on, without W&B")


def test_without_wandb_the_study_goes_on(
    run_: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "wandb.py").write_text("raise ImportError('no wandb here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Tracker(tmp_path / "study", "offline") as tracker:
        track(tracker, run_, DONE)
        track(tracker, replace(run_, point=4), DONE)
    assert capsys.readouterr().err == (
        "W&B failed: no wandb here; the study goes on, without W&B\n"
    )


def test_a_process_that_dies_is_told_once(
    run_: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE)
        tracker.settle()
        assert tracker._client is not None
        tracker._client.kill()
        track(tracker, replace(run_, point=4), DONE)
        tracker.settle()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "W&B failed: its process ended; the study goes on, without W&B"


def test_disabled_does_nothing(run_: Run, tmp_path: Path):
    with Tracker(tmp_path, "disabled") as tracker:
        track(tracker, run_, DONE)
        tracker.settle()
        assert tracker.path(run_) == ""
    assert not list(tmp_path.iterdir())


def test_leet_reads_what_was_written(run_: Run, tmp_path: Path):
    """The README's way to look at a study without an account."""
    with Tracker(tmp_path, "offline") as tracker:
        track(tracker, run_, DONE)
    words = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", "wandb"]
    done = subprocess.run(
        words, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert '"val_accuracy": 0.6' in done.stdout
    words = [sys.executable, "-m", "wandb", "sync", "--dry-run", "wandb"]
    done = subprocess.run(
        words, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and run_id(run_) in done.stdout + done.stderr
