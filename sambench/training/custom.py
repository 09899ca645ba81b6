"""What a Python caller may bring instead of the study's own names."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from sambench.tasks.images import Data
from sambench.training.engine import Loss


@dataclass(frozen=True)
class Custom:
    """A model, data and a loss; None: the study's own."""

    model: Callable[[int, int], nn.Module] | None = None
    """(channels, classes) -> model"""
    data: Data | None = None
    """fixed train, val and test sets; then only the streams init and order are redrawn"""
    loss: Loss | None = None

    def identity(self) -> dict[str, str]:
        """What tells it from others: functions by name, data by content."""
        named = {"model": self.model, "loss": self.loss}
        found = {k: _name(f) for k, f in named.items() if f is not None}
        return found | ({"data": self.data.digest()} if self.data is not None else {})


def _name(function: Callable[..., object]) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
