"""A caller's own training: a function that asks for its optimizer, trains, and returns scores."""

import inspect
import math
import random
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import variants
from sambench.errors import UserError, echo
from sambench.scores import ACCURACY, Score
from sambench.training import device, source, spent
from sambench.training.outcome import Outcome, on_this_machine, write_outcome
from sambench.training.run import Run

Given = float | Tensor | np.ndarray
"""A score, or of each item of the set what its mean is: (items,), bool for shares, else floats."""

Scores = Given | Mapping[str, Given]
"""The score on the test set, or those named "val" and "test"."""

Optimize = Callable[..., variants.SharpnessAware]
"""(base optimizer, model, **options) -> what steps in its stead; the options are those of
`SharpnessAware`."""

NO_MEMORY = "out of memory; try smaller batches in your training, or fewer workers on the device"


@dataclass(frozen=True)
class OwnTraining:
    """`train(optimizer: Optimize, seed: int) -> Scores`, and what it was seen to bring.

    With a third parameter, `epochs`, it is told for how many to train.
    """

    train: Callable[..., Scores]
    brought: Mapping[str, str] = field(default_factory=dict)
    """its model and its optimizer in words"""

    @property
    def takes_epochs(self) -> bool:
        return "epochs" in inspect.signature(self.train).parameters

    def __call__(self, optimizer: Optimize, seed: int, epochs: int) -> Scores:
        """Trains once, Python's, numpy's and torch's global generators seeded first."""
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        told = {"epochs": epochs} if self.takes_epochs else {}
        return self.train(optimizer, seed, **told)

    def identity(self) -> dict[str, str]:
        """Name and code of the function, and what it brought."""
        named = {"training": source.named(self.train), "code": source.digest(self.train)}
        return {**named, **self.brought}


@dataclass
class _Maker:
    """The `optimizer` of one run."""

    run: Run
    made: variants.SharpnessAware | None = None

    def __call__(self, *given: Any, **options: Any) -> variants.SharpnessAware:
        base, model = asked_with(*given)
        if self.made is not None:
            raise UserError(
                "train asked for its optimizer twice; one optimizer, with parameter groups, must "
                "train the model"
            )
        set_rate(base, self.run.lr)
        variant = variants.create(self.run.key, **self.run.hyperparameters)
        chosen = {"seed": self.run.seeds.init, **options}
        self.made = variants.SharpnessAware(base, variant, model, **chosen)
        return self.made


def asked_with(*given: Any) -> tuple[Optimizer, nn.Module]:
    """What `optimizer` was called with; UserError unless that is an optimizer and a model."""
    match given:
        case (Optimizer() as base, nn.Module() as model):
            return base, model
    kinds = ", ".join(type(part).__name__ for part in given)
    raise UserError(f"call optimizer(base, model), a torch optimizer and its model; got ({kinds})")


def set_rate(base: Optimizer, lr: float) -> None:
    """The rate of the first group becomes `lr`, and those of the others keep their ratios to it.

    UserError where a scheduler has taken the old one already.
    """
    first = float(base.param_groups[0]["lr"])
    if first == lr:
        return
    if any("initial_lr" in group for group in base.param_groups):
        raise UserError(
            "train made its learning-rate scheduler before optimizer(base, model), so that the "
            "study's lr would not reach it: make it from what optimizer(...) returns"
        )
    for group in base.param_groups:
        own = float(group["lr"])
        group["lr"] = lr if own == first else own / first * lr


def train_own(run: Run, folder: Path, own: OwnTraining) -> Outcome:
    """One run; the outcome is also left in `folder`. UserError for scores that are none."""
    start = time.perf_counter()
    spent.begin()
    maker, where, trace = _Maker(run), "cpu", ""
    try:
        with _told_of(run), spent.on("training"):
            scores = own(maker, run.seeds.init, run.epochs)
        optimizer = _stepped(maker.made)
        outcome = _outcome(run, optimizer, scores)
        where = str(next(optimizer.model.parameters()).device)
    except (RuntimeError, MemoryError, OSError) as error:
        if not device.is_out_of_memory(error):
            raise
        outcome, trace = Outcome("failed", NO_MEMORY), traceback.format_exc()
    outcome = on_this_machine(outcome, where, time.perf_counter() - start)
    outcome = replace(outcome, spent=spent.so_far())
    write_outcome(run, folder, outcome, trace)
    return outcome


@contextmanager
def _told_of(run: Run) -> Iterator[None]:
    """What the caller's code raises says in which run."""
    try:
        yield
    except Exception as error:
        error.add_note(f"sambench: in {run.id}, with seed {run.seeds.init}, epochs {run.epochs}")
        raise


def _stepped(made: variants.SharpnessAware | None) -> variants.SharpnessAware:
    """The optimizer that the training had; UserError if it was not used."""
    if made is None or not made.steps + made.skipped:
        raise UserError(
            "train made no step with its optimizer: call optimizer(base, model), and step what "
            "it returns"
        )
    return made


def _outcome(run: Run, optimizer: variants.SharpnessAware, scores: Scores) -> Outcome:
    found = scores if isinstance(scores, Mapping) else {"test": scores}
    if stray := [name for name in found if name not in ("val", "test")]:
        raise UserError(f'train returned {echo(stray[0])}; its scores are "val" and "test"')
    wanted = "test" if run.sees_test else "val"
    if wanted not in found:
        raise UserError(f'train returned no "{wanted}" score: return {{"val": ..., "test": ...}}')
    decides = run.study.task.decides
    val, _ = _scored("val", found["val"], decides) if "val" in found else (None, ())
    test, items = _scored("test", found["test"], decides) if run.sees_test else (None, ())
    bad = [score for score in (val, test) if score is not None and not math.isfinite(score)]
    lost, named, name = bool(bad), {"val": val, "test": test}, decides.name
    return Outcome(
        "diverged" if lost else "complete",
        f"train returned {'NaN' if math.isnan(bad[0]) else 'infinity'}" if lost else "",
        epochs_done=run.epochs,
        objective=name,
        scores={f"{k}_{name}": v for k, v in named.items() if v is not None and not lost},
        items={} if lost or not items else {name: items},
        gradient_evaluations=optimizer.passes,
        steps=optimizer.steps,
    )


def _scored(
    name: str, given: Given, decides: Score
) -> tuple[float, tuple[bool, ...] | tuple[float, ...]]:
    """A score and, where it was given item by item, what of each item."""
    values = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    bits = decides.items == "bits"
    if values.ndim == 1 and len(values) and values.dtype.kind == ("b" if bits else "f"):
        return float(values.mean(dtype=float)), tuple(values.astype(bool if bits else "f").tolist())
    low, high = decides.bounds
    if values.ndim or values.dtype.kind not in "fiu":
        kind = "bool" if bits else "float"
        rule = f"a number{' from 0 to 1' * (low == 0)}, or {kind} (items,)"
        raise UserError(f'train returned {echo(given)} as "{name}"; a score is {rule}')
    score = float(values)
    if not (math.isnan(score) or low <= score <= high):
        rule = "scores are shares from 0 to 1, such as accuracy"
        if decides != ACCURACY:
            rule = f"{decides.words} lies between {low:g} and {high:g}"
        raise UserError(f'train returned {score:g} as "{name}"; {rule}')
    return score, ()
