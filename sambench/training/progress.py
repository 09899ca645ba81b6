"""The epochs of one run: what they came to so far, checkpoints, and reasons to stop."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sambench.config import CHANNELS_LAST
from sambench.scores import Score
from sambench.tasks import Scored, Trainer
from sambench.training import checkpoint, device, spent
from sambench.training.due import Due
from sambench.training.engine import Engine
from sambench.training.outcome import PAUSED, Outcome
from sambench.training.processes import World
from sambench.training.run import Run

Report = Callable[[dict[str, float]], bool]
"""Told every epoch's row; says whether to stop (pruned)."""

Course = Callable[[Engine], Mapping[str, float]]
"""After each epoch: named numbers for its row."""


class Progress:
    """The epochs of one run: history, checkpoints, and reasons to stop."""

    def __init__(
        self,
        run: Run,
        folder: Path,
        report: Report,
        every_s: float,
        until: float | None,
        world: World,
        at_once: int | None,
    ) -> None:
        self.world = world
        self.run = run
        self.folder = folder
        self.report = report
        self.every_s = every_s
        self.until = until
        self.at_once = at_once
        """items that memory has room for, once it ran out; None: it never did"""
        self.engine: Trainer | None = None
        self.course: Course | None = None
        self.history: list[dict[str, float]] = []
        self.wall_s = 0.0
        """seconds that earlier processes spent up to the checkpoint"""
        self.earlier_peak: int | None = None
        """and the memory that they held at most"""
        self.seen: list[Mapping[str, torch.Tensor]] = []
        """what single test items scored after each epoch, where that is kept of whole runs"""
        self.best: tuple[int, dict[str, torch.Tensor]] | None = None
        """the epoch with the best validation score and its weights, where the run yields those"""

    def train(self, engine: Trainer, course: Course | None) -> Outcome:
        """To the end, with the test score where the run sees it; or to where it stops."""
        self.engine, self.course = engine, course
        with spent.on("checkpoints"):
            self._resume(engine)
        outcome = self._train(engine)
        if outcome.outcome == "complete" and self.run.sees_test:
            self._yield_weights(engine)
            task, yielded = self.run.study.task, self._yielded()
            of_run = _only("test", yielded)
            with spent.on("evaluation"):
                found = engine.score("test")
            items = {**found.items, **task.items_of_run(self.seen[: int(yielded["epoch"])])}
            outcome = _tested(outcome, of_run, Scored(found.values, items), task.scores)
        return outcome

    def _train(self, engine: Trainer) -> Outcome:
        start, due = time.perf_counter(), Due(self.every_s, _size(engine))
        kept = len(self.history)
        for epoch in range(kept, self.run.epochs):
            if self.world.first(self._time_is_up):
                if len(self.history) > kept:
                    self._save(engine, time.perf_counter() - start)
                return self.stopped(PAUSED, f"time was up after epoch {epoch}")
            row = self._epoch(engine, epoch)
            self.history.append(row)
            self._keep_best(engine)
            with spent.on("telling"):
                prune = self.world.first(lambda row=row: self.report(row))
            if reason := self._divergence(engine):
                return self.stopped("diverged", f"{reason} in epoch {epoch + 1}")
            if prune:
                return self.stopped("pruned", f"pruned after epoch {epoch + 1}")
            if epoch + 1 < self.run.epochs and self.world.first(lambda: due.now):
                with due.saving():
                    self._save(engine, time.perf_counter() - start)
                kept = len(self.history)
        for name in self.run.study.task.judged:
            if not math.isfinite(self.history[-1][f"val_{name}"]):
                reason = f"non-finite validation {name} after the last epoch"
                return self.stopped("diverged", reason)
        return self.stopped("complete", "")

    def _time_is_up(self) -> bool:
        return self.until is not None and time.time() >= self.until

    def _divergence(self, engine: Trainer) -> str:
        """Why the last epoch counts as diverged; empty if it does not."""
        if not math.isfinite(self.history[-1]["train_loss"]):
            return "non-finite loss"
        if engine.is_finding_its_scale:
            return ""
        skipped = [row["skipped_steps"] for row in self.history[-2:]]
        new = skipped[-1] - (skipped[0] if len(skipped) > 1 else 0)
        return "non-finite gradients at every step" if new == engine.steps_per_epoch else ""

    def _epoch(self, engine: Trainer, epoch: int) -> dict[str, float]:
        with spent.on("training"):
            row = engine.train_epoch(epoch)
        with spent.on("evaluation"):
            score = engine.score("val")
            learned = {}
            if self.course is not None and isinstance(engine, Engine):
                learned = self.course(engine)
            row = {"epoch": epoch + 1, **row, **_named("val", score.values), **learned}
            return self._followed(engine, row) if self.run.study.task.follows_runs else row

    def _followed(self, engine: Trainer, row: dict[str, float]) -> dict[str, float]:
        """With the scores that a run has up to this epoch, on each set that it is scored on."""
        study, subsets = self.run.study, ["val"]
        if self.run.sees_test:
            tested = engine.score("test")
            row |= _named("test", tested.values)
            self.seen += [tested.items] if study.task.decides.items else []
            subsets += ["test"]
        for subset in subsets:
            found = study.task.of_run([*self.history, row], subset, study.train.epochs)
            row |= _named(subset, found)
        return row

    def _keep_best(self, engine: Trainer) -> None:
        """Of equal scores the earlier epoch counts."""
        wanted = self.run.sees_test and self.run.study.train.yields == "best"
        if wanted and self._yielded() is self.history[-1]:
            model = engine.evaluated.state_dict()
            kept = {name: value.detach().clone() for name, value in model.items()}
            self.best = (len(self.history), kept)

    def _yielded(self) -> dict[str, float]:
        """The epoch whose weights the run yields, of those that are over."""
        if self.run.study.train.yields == "last":
            return self.history[-1]
        decides = self.run.study.task.decides

        def merit(row: dict[str, float]) -> float:
            value = decides.sign * row[f"val_{decides.name}"]
            return -math.inf if math.isnan(value) else value

        return max(self.history, key=merit)

    def _yield_weights(self, engine: Trainer) -> None:
        """Puts the weights that the run yields into the model that is evaluated."""
        if self.best is not None:
            engine.evaluated.load_state_dict(self.best[1])

    def close(self) -> None:
        """Lets go of what trains, be it at work or not."""
        if self.engine is not None:
            self.engine.close()

    def stopped(self, outcome: str, reason: str) -> Outcome:
        """The outcome as the history has it; a diverged run has no scores."""
        if not self.history:
            return Outcome(outcome, reason)
        last, yielded = self.history[-1], self._yielded()
        scored = outcome != "diverged"
        return Outcome(
            outcome,
            reason,
            epochs_done=len(self.history),
            objective=self.run.objective,
            scores=_only("val", yielded) if scored else {},
            train_loss=last["train_loss"] if scored else None,
            gradient_evaluations=last["gradient_evaluations"],
            steps=int(last["steps"]),
            step_time_s=statistics.median_high(row["step_time_s"] for row in self.history),
            history=tuple(self.history),
        )

    def _resume(self, engine: Trainer) -> None:
        where = self.run.device if self.world.size == 1 else "cpu"
        stored = self.world.first(lambda: checkpoint.load(self.folder, where))
        if stored is not None and self._is_ours(stored):
            engine.load_state_dict(stored["engine"])
            self.at_once = min(filter(None, [self.at_once, stored["at_once"]]), default=None)
            self.history, self.wall_s = stored["history"], stored["wall_s"]
            self.earlier_peak = stored["peak_memory"]
            self.best, self.seen = stored["best"], stored.get("seen", [])

        if self.at_once is not None and isinstance(engine, Engine):
            engine.cut(self.at_once)

    def _is_ours(self, stored: Mapping[str, Any]) -> bool:
        """Whether a checkpoint is of this very run, trained by as many processes."""
        return (stored["setting"], stored.get("processes")) == (self.run.setting, self.world.size)

    @property
    def how(self) -> list[str]:
        """What the engine chose by itself, where nobody had said."""
        said = self.run.study.train.channels_last is not None
        chosen = isinstance(self.engine, Engine) and self.engine.channels_last and not said
        return [CHANNELS_LAST] if chosen else []

    @property
    def in_parts(self) -> str:
        """What a reader should know of how it was trained."""
        if self.at_once is None:
            return ""
        items = f"{self.run.study.task.item}s"
        return f"memory ran out: gradients were summed over parts of {self.at_once} {items}"

    def peak_memory(self) -> int | None:
        """Bytes held on the device at most, by this process or an earlier one; None if unknown."""
        own = device.peak_memory(self.run.device)
        return max((peak for peak in (own, self.earlier_peak) if peak is not None), default=None)

    def _save(self, engine: Trainer, seconds: float) -> None:
        with spent.on("checkpoints"):
            self._write(engine, seconds)

    def _write(self, engine: Trainer, seconds: float) -> None:
        trained = engine.state_dict()
        if trained is None:
            return
        state = {
            "setting": self.run.setting,
            "processes": self.world.size,
            "at_once": self.at_once,
            "engine": trained,
            "history": self.history,
            "wall_s": self.wall_s + seconds,
            "peak_memory": self.peak_memory(),
            "best": self.best,
            "seen": self.seen,
        }
        if self.world.leads:
            checkpoint.save(self.folder, state)


def _size(engine: Trainer) -> int:
    """Of a checkpoint, in bytes, about: weights, and an optimizer's two moments."""
    found = engine.evaluated.state_dict().values()
    return 3 * sum(value.nbytes for value in found if isinstance(value, torch.Tensor))


def _named(subset: str, found: Mapping[str, float]) -> dict[str, float]:
    return {f"{subset}_{name}": value for name, value in found.items()}


def _only(subset: str, row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name.startswith(f"{subset}_")}


def _tested(
    outcome: Outcome, of_run: Mapping[str, float], found: Scored, scores: Iterable[Score]
) -> Outcome:
    """With what was found on the test set, and of its single items what these scores keep."""
    kept = [score.name for score in scores if score.items and score.name in found.items]
    return replace(
        outcome,
        scores={**outcome.scores, **of_run, **_named("test", found.values)},
        items={name: tuple(found.items[name].tolist()) for name in kept},
    )
