"""What a model predicts, and how its predictions are judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from sambench.scores import ACCURACY, LOSS


@dataclass(frozen=True)
class Scored:
    """A model on a data set."""

    values: Mapping[str, float]
    """by name of a score"""
    items: Mapping[str, Tensor]
    """(n,) on the host, by name, of those scores that are means over items kept one by one"""


class Target(Protocol):
    """Outputs are what the model gives for a batch, (b, ...); y is what it should have given."""

    @property
    def watched(self) -> str:
        """A score that is a mean over items, followed while training too; "" for none."""
        ...

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        """What training minimises: (b,), or (b, k), whose further dimensions are averaged."""
        ...

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The values of the watched score, (b,)."""
        ...

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        """By name of a score that is a mean over items: its values, (b,) each."""
        ...


@dataclass(frozen=True)
class Classification:
    """One of several classes: y is (b,) int64; mixed with another one's it is (b, classes)."""

    classes: tuple[str, ...]
    watched = ACCURACY.name

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        return F.cross_entropy(outputs, y, label_smoothing=smoothing, reduction="none")

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Whether each prediction was right; of mixed items, on the class of the larger share."""
        return outputs.argmax(1) == (y if y.ndim == 1 else y.argmax(1))

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        losses = F.cross_entropy(outputs, y, reduction="none")
        return {ACCURACY.name: self.watch(outputs, y), LOSS.name: losses}


def scored(judged: Mapping[str, Tensor]) -> Scored:
    """Of all items of a data set, (n,) each; single items are kept of what is right or wrong."""
    values = {name: float(found.double().mean()) for name, found in judged.items()}
    kept = {name: found.cpu() for name, found in judged.items() if found.dtype == torch.bool}
    return Scored(values, kept)
