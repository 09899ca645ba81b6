"""What a Python caller may bring instead of the study's own names."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from sambench.tasks.images import Data
from sambench.training.engine import Loss
from sambench.training.own import OwnTraining
from sambench.training.source import named


@dataclass(frozen=True)
class Custom:
    """A model, data and a loss, or the whole training; None: the study's own."""

    model: Callable[[int, int], nn.Module] | None = None
    """(channels, classes) -> model"""
    data: Data | None = None
    """fixed train, val and test sets; then only the streams init and order are redrawn"""
    loss: Loss | None = None
    training: OwnTraining | None = None

    @property
    def brings_data(self) -> bool:
        return self.data is not None or self.training is not None

    def identity(self) -> dict[str, str]:
        """What tells it from others: functions by name, data by content, a training by its code."""
        if self.training is not None:
            return self.training.identity()
        given = {"model": self.model, "loss": self.loss}
        found = {k: named(f) for k, f in given.items() if f is not None}
        return found | ({"data": self.data.digest()} if self.data is not None else {})
