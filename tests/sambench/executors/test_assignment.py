"""What becomes of a run that fails, whoever executes it."""

import errno
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import variants
from sambench import config, seeds, tasks
from sambench.errors import UserError, WorkFailed
from sambench.executors import Assignment, execute, lost
from sambench.study.protocol import settable
from sambench.tasks import images
from sambench.training import Custom, OwnTraining, Run, checkpoint, read_outcome

Spec = dict[str, Any]
Make = Callable[..., Assignment]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


@pytest.fixture
def make(spec: Spec, tmp_path: Path) -> Make:
    def make(custom: Custom = Custom(), **options: Any) -> Assignment:
        study = config.parse({**spec, "variants": ["sam"]})
        run = Run(
            study=study, label="sam", key="sam", stage="pool", point=0, rerun=0, lr=0.05,
            seeds=seeds.derive(0, "point", 0), epochs=4,
            hyperparameters=settable(variants.create("sam")),
        )  # fmt: skip
        return Assignment(run, tmp_path / "run", tmp_path / "cache", 0, custom, **options)

    return make


def proceed(row: dict[str, float]) -> bool:
    return False


def failing(error: BaseException, after: int = 0) -> Custom:
    """A loss that raises once it was asked for so often."""
    calls = []

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        calls.append(None)
        if len(calls) > after:
            raise error
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    return Custom(loss=loss)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("shapes do not fit\nand more"), "RuntimeError: shapes do not fit"),
        (KeyError("lr"), "KeyError: 'lr'"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), "No such file: 'a.png'"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "ConnectionResetError"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError("\x1b[31mred\udc80"), "ValueError: ?[31mred?"),
    ],
)
def test_an_error_is_the_outcome_of_its_run(error: BaseException, reason: str, make: Make):
    job = make(failing(error))
    known = tasks.digest(images.contents(job.run.study.task, job.cache))
    job = replace(job, data_digest=known)
    found = execute(job, proceed)
    assert (found.outcome, found.val, found.items) == ("failed", None, {})
    assert reason in found.reason and "\n" not in found.reason
    assert read_outcome(job.run, job.folder) == found
    assert found.data == known and found.device and found.wall_s > 0
    told = (job.folder / "error.txt").read_text()
    assert told.startswith("Traceback") and "in loss" in told


def test_it_says_how_far_it_came_and_another_attempt_goes_on_from_there(make: Make):
    """Two steps of two evaluations make an epoch."""
    job = make(failing(ValueError("in the third epoch"), after=9))
    assert execute(job, proceed).epochs_done == 2
    assert checkpoint.load(job.folder, "cpu") is not None
    told = []
    again = execute(replace(job, custom=Custom(loss=failing(ValueError(), 99).loss)), told.append)
    assert again.outcome == "complete"
    assert [row["epoch"] for row in told] == [3, 4]
    assert [path.name for path in job.folder.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    "error",
    [UserError("task.dataset: gone"), OSError(errno.ENOSPC, "full"), WorkFailed("lost")],
)
def test_what_concerns_all_runs_is_raised(error: Exception, make: Make):
    job = make(failing(error))
    with pytest.raises(type(error)):
        execute(job, proceed)
    assert not (job.folder / "result.json").exists()


def test_what_the_study_raises_is_no_failure_of_the_run(make: Make):
    def report(row: dict[str, float]) -> bool:
        raise LookupError("of the study's own")

    job = make()
    with pytest.raises(LookupError):
        execute(job, report)
    assert not (job.folder / "result.json").exists()


def test_a_recipe_that_fails(make: Make):
    def recipe(optimizer: Any, seed: int) -> float:
        raise ZeroDivisionError("mine")

    job = make(Custom(training=OwnTraining(recipe)))
    assert execute(job, proceed).reason == "ZeroDivisionError: mine"
    assert "sambench: in pool-sam-p0, with seed" in (job.folder / "error.txt").read_text()


def test_a_recipe_without_memory(make: Make):
    def recipe(optimizer: Any, seed: int) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory")

    job = make(Custom(training=OwnTraining(recipe)))
    assert execute(job, proceed).reason.startswith("out of memory; try smaller batches")
    assert "CUDA out of memory" in (job.folder / "error.txt").read_text()


def test_a_lost_run_is_a_failed_one(make: Make):
    job = make()
    found = lost(job, "its worker died 3 times")
    assert (found.outcome, found.reason) == ("failed", "its worker died 3 times")
    assert read_outcome(job.run, job.folder) == found
    assert (job.folder / "error.txt").read_text() == "its worker died 3 times\n"


def test_when_time_is_up_it_pauses_at_the_end_of_its_epoch(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    whole = execute(make(), proceed)
    now = time.time()
    clock = iter([now] * 3 + [now + 10] * 9)
    monkeypatch.setattr(time, "time", lambda: next(clock))
    job = replace(make(until=now + 5), folder=make().folder / "paused")
    job = replace(job, checkpoint_every_s=1000)
    paused = execute(job, proceed)
    assert (paused.outcome, paused.epochs_done) == ("paused", 2)
    assert [path.name for path in job.folder.iterdir()] == ["checkpoint.pt"]
    assert execute(job, proceed).outcome == "paused"  # it does not even begin
    told = []
    found = execute(replace(job, until=None), told.append)
    assert [row["epoch"] for row in told] == [3, 4]
    assert (found.scores["val_loss"], found.train_loss) == (
        whole.scores["val_loss"],
        whole.train_loss,
    )


def test_a_process_whose_gpu_has_failed_takes_no_further_run(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sambench.training.device.is_usable", lambda name: False)
    monkeypatch.setattr("sambench.executors.assignment._in_worker", False)
    with pytest.raises(WorkFailed, match="the GPU failed in this process"):
        execute(make(), proceed)
    ended = []
    monkeypatch.setattr("sambench.executors.assignment._in_worker", True)
    monkeypatch.setattr("os._exit", lambda code: ended.append(code) or sys.exit())
    with pytest.raises(SystemExit):
        execute(make(), proceed)
    assert ended == [1]


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("all gone"), SystemExit(2)]
)
@pytest.mark.parametrize(
    "at", ["sambench.measures.loading.eval_batches", "sambench.measures.stability.Stability.of"]
)
def test_a_measure_that_fails_costs_the_run_no_score(
    error: BaseException, at: str, make: Make, spec: Spec, monkeypatch: pytest.MonkeyPatch
):
    """Where it finds no memory for the data, or in itself."""

    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(at, fails)
    job = make()
    study = config.parse({**spec, "variants": ["sam"], "measure": {"names": ["stability"]}})
    job = replace(job, run=replace(job.run, study=study, stage="confirm", epochs=1))
    found = execute(job, proceed)
    assert found.outcome == "complete" and found.test is not None
    assert (job.folder / "weights.safetensors").exists()
