"""What a caller's training brings to the place where it asks for its optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

import variants
from sambench.errors import UserError
from sambench.training.own import OwnTraining, asked_with


class _Stop(BaseException):
    """No error, so that no `except Exception` of the caller's keeps it."""


@dataclass(frozen=True)
class Asked:
    base: Optimizer
    model: nn.Module
    options: Mapping[str, Any]
    """of `SharpnessAware`"""

    @property
    def lr(self) -> float:
        return float(self.base.param_groups[0]["lr"])

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

    def check(self, key: str, hyperparameters: Mapping[str, Any]) -> None:
        """UserError where a variant cannot drive this optimizer."""
        try:
            variant = variants.create(key, **hyperparameters)
            variants.SharpnessAware(self.base, variant, self.model, **self.options)
        except ValueError as error:
            raise UserError(f"variants: {error}") from None


def probe(own: OwnTraining, seed: int, epochs: int) -> Asked:
    """Runs the training up to where it asks for its optimizer, and no further."""
    asked: list[Asked] = []

    def stop(*given: Any, **options: Any) -> variants.SharpnessAware:
        asked.append(Asked(*asked_with(*given), options))
        raise _Stop

    try:
        own(stop, seed, epochs)
    except _Stop:
        return asked[0]
    raise UserError("train never asked for its optimizer: call optimizer(base, model) in it")
