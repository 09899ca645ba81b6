"""Two real processes of one run, from first to last by `execute`."""

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import variants
from sambench import config, seeds
from sambench.errors import UserError
from sambench.executors import Assignment, Local, execute
from sambench.study.protocol import settable
from sambench.training import Custom, Outcome, OwnTraining, Run, device

Spec = dict[str, Any]
Row = dict[str, float]
SAME = 1e-5  # relative; float32, sums in another order


@pytest.fixture(autouse=True)
def warm(warm_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of torchrun and all that it starts."""
    monkeypatch.setattr("sys.executable", warm_python)


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


@pytest.fixture
def make(spec: Spec, tmp_path: Path) -> Callable[..., Assignment]:
    def make(custom: Custom, name: str = "run", epochs: int = 3, **options: Any) -> Assignment:
        spec["train"]["ascent"] = "synced"
        study = config.parse({**spec, "variants": ["sam"]})
        run = Run(
            study=study, label="sam", key="sam", stage="confirm", point=0, rerun=0, lr=0.05,
            seeds=seeds.derive(0, "confirm", 0, 0), epochs=epochs,
            hyperparameters=settable(variants.create("sam")),
        )  # fmt: skip
        where = {"folder": tmp_path / name, "cache": tmp_path / "cache"}
        return Assignment(
            run, checkpoint_every_s=0, custom=custom, **{**where, "processes": 2, **options}
        )

    return make


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Of processes that built a model of `of_both`, and live."""
    folder = tmp_path / "pids"
    folder.mkdir()
    monkeypatch.setenv("PIDS", str(folder))
    return lambda: [int(path.name) for path in folder.iterdir() if lives(int(path.name))]


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def same(found: Outcome, alone: Outcome) -> None:
    assert (found.outcome, found.reason) == ("complete", "")
    assert found.test == alone.test
    for row, wanted in zip(found.history, alone.history, strict=True):
        for key in ("train_loss", "val_loss", "grad_norm", "gradient_evaluations"):
            assert row[key] == pytest.approx(wanted[key], rel=SAME)


@pytest.mark.slow
def test_two_processes_train_what_one_does_also_when_one_is_killed(
    make: Callable[..., Assignment], code: ModuleType, pids: Callable[[], list[int]]
):
    """They go on together from the checkpoint; whatever they print is nobody's message."""
    custom, told = Custom(model=code.of_both, loss=code.focal), []

    def report(row: Row) -> bool:
        told.append(row["epoch"])
        if len(told) == 2:  # after the checkpoint of epoch 1
            os.kill(max(pid for pid in pids() if pid != os.getpid()), signal.SIGKILL)
        return False

    job = make(custom)
    found = execute(job, report)
    assert told in ([1, 2, 2, 3], [1, 2, 3])  # the first process may have come further
    assert [path.name for path in job.folder.iterdir()] == ["result.json"]
    same(found, execute(make(custom, "alone", processes=1), lambda row: False))
    assert pids() == [os.getpid()]


@pytest.mark.slow
def test_records_tell_by_how_many_processes_a_run_was_trained(
    spec: Spec, run: Any, recorded: Any, tmp_path: Path
):
    """A study that goes on with another number has points of two kinds, as the page then says."""
    spec["search"]["searches"] = 2
    run(spec, on=Local(workers=1, gpus_per_run=2), workers=None, points=range(1))
    run(spec, points=range(2))
    found = recorded(tmp_path / "runs" / "tiny")
    alone = f"{device.instructions()}, channels last"
    kinds = {(one.variant, one.point): one.instructions for one in found if one.stage == "pool"}
    assert {kinds["plain", 0], kinds["sam", 0]} == {f"{alone}, 2 processes"}
    assert {kinds["plain", 1], kinds["sam", 1]} == {alone}
    assert {one.outcome for one in found} == {"complete"}


def test_what_one_of_them_raises_is_the_outcome(
    make: Callable[..., Assignment], code: ModuleType, pids: Callable[[], list[int]]
):
    job = make(Custom(model=code.of_both, loss=code.fails_in_one))
    found = execute(job, lambda row: False)
    assert (found.outcome, found.reason) == ("failed", "ValueError: only here")
    assert "in fails_in_one" in (job.folder / "error.txt").read_text()
    assert pids() == []


@pytest.mark.slow
def test_out_of_memory_they_go_on_in_parts(make: Callable[..., Assignment], code: ModuleType):
    """16 images each, and room for 15."""
    custom = Custom(model=code.linear, loss=code.needs_memory)
    found = execute(make(custom, epochs=1), lambda row: False)
    assert found.reason == "memory ran out: gradients were summed over parts of 8 images"
    alone = execute(make(custom, "alone", epochs=1, processes=1), lambda row: False)
    same(replace(found, reason=""), replace(alone, reason=""))


def test_they_stop_when_they_are_told_to(make: Callable[..., Assignment], code: ModuleType):
    found = execute(make(Custom(model=code.linear)), lambda row: row["epoch"] == 2)
    assert (found.outcome, found.epochs_done) == ("pruned", 2)


def test_they_pause(make: Callable[..., Assignment], code: ModuleType):
    """Time is up while they start, or soon after."""
    job = make(Custom(model=code.linear), epochs=1000, until=time.time() + 1)
    assert execute(job, lambda row: False).outcome == "paused"
    assert not (job.folder / "result.json").exists()


def killed(job: Assignment) -> None:
    execute(job, lambda row: os.kill(os.getpid(), signal.SIGKILL))  # pyright: ignore


@pytest.fixture
def forked() -> Iterator[Any]:
    yield multiprocessing.get_context("fork")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
def test_they_end_with_a_killed_parent(
    make: Callable[..., Assignment], code: ModuleType, pids: Callable[[], list[int]], forked: Any
):
    parent = forked.Process(target=killed, args=(make(Custom(model=code.of_both), epochs=1000),))
    parent.start()
    parent.join(120)
    assert parent.exitcode == -signal.SIGKILL
    end = time.monotonic() + 20
    while pids() and time.monotonic() < end:
        time.sleep(0.1)
    assert pids() == []


def test_what_others_cannot_import_is_refused(make: Callable[..., Assignment]):
    with pytest.raises(UserError, match="gpus_per_run: your model, data or loss cannot be import"):
        execute(make(Custom(model=lambda channels, classes: None)), lambda row: False)  # pyright: ignore


def test_a_training_of_ones_own_is_refused(make: Callable[..., Assignment], code: ModuleType):
    with pytest.raises(UserError, match="gpus_per_run: a training of your own"):
        execute(make(Custom(training=OwnTraining(code.square))), lambda row: False)
