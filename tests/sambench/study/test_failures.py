"""Runs that fail, and a limit of time: what a study makes of them, and what it says."""

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from unittest import mock

import pytest
from rich.console import Console

from sambench import records
from sambench.errors import UserError, WorkFailed
from sambench.executors import Executor
from sambench.records import Record
from sambench.study.display import Display
from sambench.study.failures import Failures, Hopeless
from sambench.study.finished import shown
from sambench.study.run import resolve
from sambench.training import Outcome, Run, train

Spec = dict[str, Any]
Recorded = Callable[[Path], list[Record]]
Ran = Callable[..., Path]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


@pytest.fixture
def said() -> StringIO:
    return StringIO()


@pytest.fixture
def runs(run: Any, said: StringIO) -> Callable[..., Any]:
    """`run`, heard."""
    return lambda spec, **options: run(
        spec, console=Console(file=said, width=400), says_where=False, **options
    )


def failing(*names: str) -> Callable[..., Outcome]:
    """`train`, raising in runs whose name begins so."""

    def train_(run: Run, *arguments: Any, **options: Any) -> Outcome:
        if run.id.startswith(names):
            raise ValueError(f"no luck with {run.id}")
        return train(run, *arguments, **options)

    return train_


TRAIN = "sambench.executors.assignment.train"


@pytest.mark.parametrize("failed", ["pool-plain-p1", "confirm-sam-p0-r0", "setting-plain"])
def test_the_study_goes_on_and_the_same_call_repeats_what_failed(
    failed: str, spec: Spec, runs: Any, ran: Ran, said: StringIO, recorded: Recorded,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(TRAIN, failing(failed))
        found = runs(spec)
    folder = tmp_path / "runs" / "tiny"
    (lost,) = [record for record in recorded(folder) if record.outcome == "failed"]
    assert lost.reason.startswith(f"ValueError: no luck with {failed}")
    (trace,) = folder.glob("runs/*/error.txt")
    assert "in train_" in trace.read_text()
    (warning,) = [line for line in found.warnings if "runs failed" in line]
    assert warning.endswith(f"What went wrong: {lost.reason}.")
    line = (
        f"{lost.variant}: 1 run failed, with {lost.reason} ({trace}); the same command tries again"
    )
    assert line in said.getvalue().splitlines()
    runs(spec)
    ran(tmp_path / "whole")
    assert recorded(folder) == recorded(tmp_path / "whole" / "tiny")
    assert not list(folder.glob("runs/*/error.txt"))


def test_what_failed_is_not_called_done(
    spec: Spec, runs: Any, said: StringIO, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(TRAIN, failing("pool-plain-p1"))
        runs(spec)
    said.truncate(0)
    runs(spec)
    assert "pool: 3 runs, 2 of them done before" in said.getvalue()


def test_an_arm_of_which_all_runs_fail_ends_the_study(
    spec: Spec, runs: Any, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After its first runs; what was computed has its records and its page."""
    spec["search"]["searches"] = 6
    folder = tmp_path / "runs" / "tiny"
    monkeypatch.setattr(TRAIN, failing("pool-sam"))
    with pytest.raises(WorkFailed) as ended:
        runs(spec)
    trace = folder / "runs" / "pool-sam-p4" / "error.txt"
    assert str(ended.value) == (
        "sam: its first 5 runs failed, the last with ValueError: no luck with pool-sam-p4 "
        f"({trace}); the same command tries again"
    )
    assert "no luck with pool-sam-p4" in trace.read_text()
    outcomes = [(record.variant, record.outcome) for record in recorded(folder)]
    assert outcomes == [("plain", "complete")] * len(outcomes[5:]) + [("sam", "failed")] * 5
    assert (folder / "index.html").exists()


def test_a_run_that_ended_before_keeps_the_study_going(
    spec: Spec, runs: Any, monkeypatch: pytest.MonkeyPatch
):
    spec["search"]["searches"] = 6
    runs(spec, points=range(5, 6))
    monkeypatch.setattr(TRAIN, failing("pool-sam"))
    found = runs(spec)
    assert next(row.runs for row in found.rows if row.label == "sam")["failed"] == 5


def test_an_error_of_a_worker_s_run(spec: Spec, runs: Any, code: ModuleType, tmp_path: Path):
    with pytest.raises(WorkFailed, match=r"(sam|plain): .* failed, .*with ValueError: only here"):
        runs(spec, workers=2, model=code.linear, loss=code.fails_in_workers)
    (one, *_) = (tmp_path / "runs" / "tiny" / "runs").glob("*/error.txt")
    assert "in fails_in_workers" in one.read_text()


def test_a_full_disk_ends_it_at_once(spec: Spec, runs: Any, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments: Any, **options: Any) -> Outcome:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TRAIN, full)
    with pytest.raises(OSError, match="No space left"):
        runs(spec)


def test_what_counts_as_hopeless(tmp_path: Path):
    class Some:
        def __init__(self, label: str, number: int) -> None:
            self.label, self.id = label, f"{label}-{number}"

    lost, good = Outcome("failed", "no"), Outcome("diverged", "yes")
    failures = Failures(lambda run: tmp_path / run.id)
    few, many = ([Some(label, i) for i in range(num)] for label, num in (("a", 2), ("b", 9)))
    failures.stage([*few, *many], held=[])  # pyright: ignore[reportArgumentType]
    failures.saw(few[0], lost)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Hopeless, match="a: all its 2 runs failed"):
        failures.saw(few[1], lost)  # pyright: ignore[reportArgumentType]
    for i in (0, 1, 2, 3):
        failures.saw(many[i], lost)  # pyright: ignore[reportArgumentType]
    failures.saw(many[4], good)  # pyright: ignore[reportArgumentType]
    failures.saw(many[5], lost)  # pyright: ignore[reportArgumentType]
    assert [line.partition(",")[0] for line in failures.told()] == [
        "a: 2 runs failed",
        "b: 5 runs failed",
    ]


# --- a limit of time


class Clock:
    """time.time(), which may be late."""

    def __init__(self) -> None:
        self.late = 0.0
        self._time = time.time

    def __call__(self) -> float:
        return self._time() + self.late


@pytest.mark.parametrize("at", ["pool-plain-p1", "confirm-sam-p", "setting-sam"])
def test_time_that_is_up_ends_a_study_cleanly(
    at: str, spec: Spec, runs: Any, ran: Ran, said: StringIO, recorded: Recorded, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """Within a run, whose first epoch is kept; and the same command goes on as if nothing was."""
    clock, told = Clock(), []

    def train_(run: Run, folder: Path, report: Any, **options: Any) -> Outcome:
        def heard(row: dict[str, float]) -> bool:
            told.append((run.id, row["epoch"]))
            if run.id.startswith(at):
                clock.late = 7200
            return report(row)

        return train(run, folder, heard, **options)

    monkeypatch.setattr(TRAIN, train_)
    monkeypatch.setattr(time, "time", clock)
    found = runs(spec, max_hours=1.5, checkpoint_every_s=1000)
    done = sum(epoch == 2 for _, epoch in told)
    line = next(x for x in said.getvalue().splitlines() if x.startswith("time is up"))
    assert line.startswith(f"time is up, after 1.5 hours: {done} of ")
    assert line.endswith(" runs are done; the same command goes on")
    folder = tmp_path / "runs" / "tiny"
    assert len(recorded(folder)) == done
    assert any("its time was up with about" in warning for warning in found.warnings)
    assert not (folder / "sizes.json").exists()
    assert shown(folder, resolve(spec, (), tmp_path / "runs"), None) is None
    clock.late = 0.0
    paused, before = told[-1][0], len(told)
    runs(spec)
    assert (paused, 1) not in told[before:] and (paused, 2) in told[before:]
    ran(tmp_path / "whole")
    assert recorded(folder) == recorded(tmp_path / "whole" / "tiny")
    assert records.read(folder / "records.csv").header.keys() == (
        records.read(tmp_path / "whole" / "tiny" / "records.csv").header.keys()
    )


class Queue(Executor):
    """Another machine, which trains a job; the others wait there until time is up."""

    remote: ClassVar[bool] = True
    queues: ClassVar[bool] = True
    gpus_per_run: float = 0.0

    @contextmanager
    def opened(self, work: Any) -> Iterator[Any]:
        yield SimpleNamespace(run=partial(self.run, work))

    def run(self, work: Any, jobs: Any, on_epoch: Any, on_place: Any) -> Iterator[Any]:
        first, *others = jobs
        on_place(others[0], "")
        on_place(first, "node3")
        yield first, work.execute(first, partial(on_epoch, first))
        for job in others:
            yield job, work.limit.late(job)


def test_runs_that_wait_in_a_queue_when_time_is_up_are_left_out(
    spec: Spec, runs: Any, ran: Ran, recorded: Recorded, said: StringIO, tmp_path: Path
):
    with mock.patch.object(Display, "placed") as placed:
        runs(spec, on=Queue(), workers=None, max_hours=100)
    ((run, where),) = (call.args for call in placed.call_args_list)
    assert (run.id, where) == ("pool-sam-p0", "node3 cpu")
    assert "time is up, after 100 hours: 1 of ~17 runs are done; the same" in said.getvalue()
    folder = tmp_path / "runs" / "tiny"
    assert len(recorded(folder)) == 1
    runs(spec)
    ran(tmp_path / "whole")
    assert recorded(folder) == recorded(tmp_path / "whole" / "tiny")


def test_no_time_at_all(spec: Spec, runs: Any, recorded: Recorded, tmp_path: Path):
    """What is there already is reported; nothing begins."""
    runs(spec, points=range(1))
    runs(spec, max_hours=1e-9)
    assert [record.point for record in recorded(tmp_path / "runs" / "tiny")] == [0, 0]


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_hours_must_be_positive(hours: float, spec: Spec, runs: Any):
    with pytest.raises(UserError, match="max_hours must be > 0"):
        runs(spec, max_hours=hours)
