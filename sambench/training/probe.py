"""What a training that is not ours brings to its first step: model, optimizer, and the step."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from torch.optim import Optimizer

import variants
from sambench.config import BASELINE
from sambench.errors import UserError
from sambench.training.own import Optimize, OwnTraining, asked_with

TRIED = 3  # steps of a variant: some perturb nothing in their first ones


class _Stop(BaseException):
    """No error, so that no `except Exception` of the caller's keeps it."""


@dataclass(frozen=True)
class Asked:
    base: Optimizer
    model: nn.Module
    options: Mapping[str, Any]
    """of `SharpnessAware`"""
    lr: float
    """the training's own, before any scheduler"""
    step: Callable[[variants.SharpnessAware], object] | None = None
    """what the training does with its optimizer first; None if it never came to that"""

    def describe(self) -> dict[str, str]:
        """Model and optimizer in words; its rate is the study's."""
        weights = sum(p.numel() for p in self.model.parameters())
        known = {k: v for k, v in self.base.defaults.items() if k != "lr"}
        plain = {k: v for k, v in known.items() if type(v) in (int, float)}
        return {
            "model": f"{type(self.model).__name__}, {weights:,} weights",
            "optimizer": ", ".join(
                [type(self.base).__name__, *(f"{k} {v:g}" for k, v in plain.items())]
            ),
        }

    def driven_by(self, key: str, hyperparameters: Mapping[str, Any]) -> variants.SharpnessAware:
        """Its optimizer with a variant; UserError where that cannot drive it."""
        try:
            variant = variants.create(key, **hyperparameters)
            return variants.SharpnessAware(self.base, variant, self.model, **self.options)
        except ValueError as error:
            raise UserError(f"variants: {error}") from None

    def perturbs(self, key: str, hyperparameters: Mapping[str, Any]) -> bool | None:
        """As the function below, of a variant that takes the training's first step repeatedly.

        The weights are as before.
        """
        optimizer = self.driven_by(key, hyperparameters)
        before = copy.deepcopy(self.model.state_dict())
        try:
            return perturbs(optimizer, self.step) if self.step else None
        finally:
            self.model.load_state_dict(before)


def perturbs(
    optimizer: variants.SharpnessAware, step: Callable[[variants.SharpnessAware], object]
) -> bool | None:
    """Whether any of its first steps perturbs the weights; None where they have no slope."""
    found = None
    for _ in range(TRIED):
        step(optimizer)
        radius, slope = (float(optimizer.last[name]) for name in ("radius", "grad_norm"))
        if 0 < radius < math.inf:
            return True
        if radius == 0 and 0 < slope < math.inf:
            found = False
    return found


class _UpToTheFirstStep(variants.SharpnessAware):
    def step(self, *given: Any, **options: Any) -> Any:
        raise _Stop(lambda optimizer: optimizer.step(*given, **options))


def probe(own: OwnTraining, seed: int, epochs: int) -> Asked:
    """Runs a caller's training up to the first step of its optimizer, and no further."""
    return first_step(lambda optimizer: own(optimizer, seed, epochs))


def first_step(train: Callable[[Optimize], object]) -> Asked:
    """The same of any training that is given what makes its optimizer."""
    asked: list[Asked] = []

    def watched(*given: Any, **options: Any) -> variants.SharpnessAware:
        base, model = asked_with(*given)
        asked.append(Asked(base, model, options, float(base.param_groups[0]["lr"])))
        asked[-1].driven_by(BASELINE, {})
        return _UpToTheFirstStep(base, variants.create(BASELINE), model, **options)

    step = None
    try:
        train(watched)
    except _Stop as stop:
        (step,) = stop.args
    if not asked:
        raise UserError("train never asked for its optimizer: call optimizer(base, model) in it")
    return replace(asked[0], step=step)
