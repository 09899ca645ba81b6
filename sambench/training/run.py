"""One run, from configuration to outcome: what tuning, finalists and confirmation repeat."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import variants
from sambench.config import Study
from sambench.errors import UserError, WorkFailed
from sambench.files import read_sealed, write_sealed
from sambench.seeds import Seeds
from sambench.tasks import images as datasets
from sambench.tasks.images import Data, models
from sambench.training import checkpoint, device
from sambench.training.engine import EagerEngine, Loss, Score
from sambench.training.processes import ALONE, World


@dataclass(frozen=True)
class Run:
    """What to train. Equal runs give equal results on the same machine."""

    study: Study
    label: str
    key: str
    stage: str
    """"search", "finalist", "confirm" or "trial"; only confirm runs see the test set"""
    trial: int
    """the search trial whose configuration this is"""
    seeds: Seeds
    lr: float
    hyperparameters: dict[str, Any]
    epochs: int
    radius: str | None = None
    device: str = "cpu"

    @property
    def id(self) -> str:
        """The name of the run within its study; also that of its folder."""
        return f"{self.stage}-{self.label}-t{self.trial}-s{self.seeds.number}"

    def __str__(self) -> str:
        return self.id

    @property
    def setting(self) -> dict[str, Any]:
        """What the search chose."""
        return {"lr": self.lr, "hyperparameters": self.hyperparameters, "epochs": self.epochs}

    @property
    def rho(self) -> float | None:
        return None if self.radius is None else self.hyperparameters[self.radius]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. Accuracies are in [0, 1]; what was not measured is None."""

    outcome: str
    """"complete", "pruned", "diverged" or "failed\""""
    reason: str = ""
    epochs_done: int = 0
    val_accuracy: float | None = None
    val_loss: float | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None
    test_correct: tuple[bool, ...] = ()
    train_loss: float | None = None
    gradient_evaluations: float = 0.0
    steps: int = 0
    step_time_s: float | None = None
    wall_s: float = 0.0
    device: str = ""
    threads: int = 1
    torch: str = torch.__version__
    peak_memory: int | None = None
    """bytes allocated on a CUDA device at most"""
    wandb: str = ""
    """where W&B shows the run"""
    history: tuple[dict[str, float], ...] = field(default=(), repr=False)
    """a row per epoch: losses, accuracies, lr, gradient norms, cosine, rise, radius, speed"""


@dataclass(frozen=True)
class Parts:
    """What a Python caller may bring instead of the study's own names."""

    model: Callable[[int, int], nn.Module] | None = None
    """(channels, classes) -> model"""
    data: Data | None = None
    """fixed train, val and test sets; then only the streams init and order are redrawn"""
    loss: Loss | None = None

    def identity(self) -> dict[str, str]:
        """What tells these parts from others: functions by name, data by content."""
        named = {"model": self.model, "loss": self.loss}
        found = {k: _name(f) for k, f in named.items() if f is not None}
        return found | ({"data": self.data.digest()} if self.data is not None else {})


def _name(function: Any) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


NO_PARTS = Parts()

Report = Callable[[dict[str, float]], bool]
"""Told every epoch's row; says whether to stop (pruned)."""

RESULT = "result.json"


class Damaged(UserError):
    """A result cannot be believed."""


class Stopped(BaseException):
    """Raised by a signal handler: the run ends where it is, as pruned, for the reason given."""


def run(
    config: Run,
    folder: Path,
    report: Report,
    *,
    cache: Path | None = None,
    checkpoint_every_s: float = 10.0,
    parts: Parts = NO_PARTS,
    world: World = ALONE,
    data_digest: str | None = None,
) -> Outcome:
    """Trains `config`, going on from the checkpoint in `folder` if there is one.

    The outcome is also left in `folder`, as result.json. A non-finite loss and memory that ran
    out are outcomes, not errors; but in one of several processes memory ends them all.

    world: the processes that train it together; the first one reads and writes the folder, hears
        of epochs, and decides
    data_digest: what the study's data must have; UserError if they are others
    """
    start = time.perf_counter()
    device.reset_peak_memory(config.device)
    progress = _Progress(config, folder, report, checkpoint_every_s, world)
    dataset = None
    try:
        task, streams = config.study.task, config.seeds.streams
        dataset = parts.data or datasets.load(task, streams, cache, data_digest)
        engine = engine_for(config, dataset, parts, world)
        outcome = progress.train(engine)
        if outcome.outcome == "complete" and config.stage == "confirm":
            outcome = _tested(outcome, engine.evaluate(engine.data.test))
    except Stopped as stop:
        outcome = progress.stopped("pruned", str(stop))
    except (RuntimeError, MemoryError) as error:
        if not _out_of_memory(error):
            raise
        if world.size > 1:
            raise WorkFailed(f"process {world.rank} ran out of memory") from None
        outcome = progress.stopped("failed", "out of memory")
    finally:
        if dataset is not None:
            dataset.close()
    elapsed = time.perf_counter() - start + progress.wall_s
    threads = torch.get_num_threads()
    described = device.describe(config.device)
    outcome = replace(
        outcome,
        wall_s=elapsed,
        device=described,
        threads=threads,
        peak_memory=device.peak_memory(config.device),
    )
    if world.leads:
        stored = {"setting": config.setting, "outcome": asdict(outcome)}
        write_sealed(folder / RESULT, stored)
        checkpoint.remove(folder)
    return outcome


def finished(config: Run, folder: Path) -> Outcome | None:
    """The outcome that an earlier process left of this very run; Damaged if it is damaged."""
    path = folder / RESULT
    if not path.exists():
        return None
    try:
        stored = read_sealed(path)
        found = stored["outcome"]
        found |= {key: tuple(found[key]) for key in ("history", "test_correct")}
        return Outcome(**found) if stored["setting"] == config.setting else None
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{path} is damaged; remove it, and its run is repeated") from None


def kept(config: Run, folder: Path) -> Outcome | None:
    """The same; a damaged one is told in a line and counts as none, so that its run is repeated."""
    try:
        return finished(config, folder)
    except Damaged:
        print(f"sambench: {folder / RESULT} is damaged; its run is repeated", file=sys.stderr)
        return None


def engine_for(config: Run, dataset: Data, parts: Parts, world: World = ALONE) -> EagerEngine:
    """The engine at the start of a run. Seeds torch's global generator with the run's `init`."""
    torch.manual_seed(config.seeds.init)
    channels, classes = dataset.train.shape[1], len(dataset.classes)
    task = config.study.task
    if parts.model is None:
        model = models.build(task, channels=channels, classes=classes)
    else:
        model = models.own(parts.model, channels=channels, classes=classes)
    model = model.to(config.device)
    if not world.leads:
        torch.manual_seed(config.seeds.init + world.rank)  # dropout draws for other rows
    return EagerEngine(
        config.study.train,
        variants.create(config.key, **config.hyperparameters),
        model,
        dataset.to(config.device),
        lr=config.lr,
        epochs=config.epochs,
        seed=config.seeds.init,
        order_seed=config.seeds.order,
        loss=parts.loss,
        world=world,
    )


def _out_of_memory(error: Exception) -> bool:
    """On an accelerator, in numpy, or in torch on the host, which has no type of its own for it."""
    known = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, known) or "DefaultCPUAllocator" in str(error)


def _tested(outcome: Outcome, score: Score) -> Outcome:
    return replace(
        outcome,
        test_accuracy=score.accuracy,
        test_loss=score.loss,
        test_correct=tuple(score.correct.tolist()),
    )


class _Progress:
    """The epochs of one run: history, checkpoints, and reasons to stop."""

    def __init__(
        self, config: Run, folder: Path, report: Report, every_s: float, world: World
    ) -> None:
        self.world = world
        self.config = config
        self.folder = folder
        self.report = report
        self.every_s = every_s
        self.history: list[dict[str, float]] = []
        self.wall_s = 0.0
        """seconds that earlier processes spent up to the checkpoint"""

    def train(self, engine: EagerEngine) -> Outcome:
        self._resume(engine)
        start = saved = time.perf_counter()
        for epoch in range(len(self.history), self.config.epochs):
            row = self._epoch(engine, epoch)
            self.history.append(row)
            prune = self.world.first(lambda row=row: self.report(row))
            if reason := self._divergence(engine):
                return self.stopped("diverged", f"{reason} in epoch {epoch + 1}")
            if prune:
                return self.stopped("pruned", f"pruned after epoch {epoch + 1}")
            now = time.perf_counter()
            due = now - saved >= self.every_s and epoch + 1 < self.config.epochs
            if self.world.first(lambda due=due: due):
                self._save(engine, now - start)
                saved = now
        if not math.isfinite(self.history[-1]["val_loss"]):
            return self.stopped("diverged", "non-finite validation loss after the last epoch")
        return self.stopped("complete", "")

    def _divergence(self, engine: EagerEngine) -> str:
        """Why the last epoch counts as diverged; empty if it does not."""
        if not math.isfinite(self.history[-1]["train_loss"]):
            return "non-finite loss"
        if engine.is_finding_its_scale:
            return ""
        skipped = [row["skipped_steps"] for row in self.history[-2:]]
        new = skipped[-1] - (skipped[0] if len(skipped) > 1 else 0)
        return "non-finite gradients at every step" if new == engine.steps_per_epoch else ""

    def _epoch(self, engine: EagerEngine, epoch: int) -> dict[str, float]:
        row = engine.train_epoch(epoch)
        score = engine.evaluate(engine.data.val)
        return {"epoch": epoch + 1, **row, "val_accuracy": score.accuracy, "val_loss": score.loss}

    def stopped(self, outcome: str, reason: str) -> Outcome:
        """The outcome as the history has it; a diverged run has no scores."""
        if not self.history:
            return Outcome(outcome, reason)
        last = self.history[-1]
        times = sorted(row["step_time_s"] for row in self.history)
        scored = outcome != "diverged"
        return Outcome(
            outcome,
            reason,
            epochs_done=len(self.history),
            val_accuracy=last["val_accuracy"] if scored else None,
            val_loss=last["val_loss"] if scored else None,
            train_loss=last["train_loss"] if scored else None,
            gradient_evaluations=last["gradient_evaluations"],
            steps=int(last["steps"]),
            step_time_s=times[len(times) // 2],
            history=tuple(self.history),
        )

    def _resume(self, engine: EagerEngine) -> None:
        where = self.config.device if self.world.size == 1 else "cpu"
        stored = self.world.first(lambda: checkpoint.load(self.folder, where))
        if stored is not None and stored["setting"] == self.config.setting:
            engine.load_state_dict(stored["engine"])
            self.history, self.wall_s = stored["history"], stored["wall_s"]

    def _save(self, engine: EagerEngine, seconds: float) -> None:
        state = {
            "setting": self.config.setting,
            "engine": engine.state_dict(),
            "history": self.history,
            "wall_s": self.wall_s + seconds,
        }
        if self.world.leads:
            checkpoint.save(self.folder, state)
