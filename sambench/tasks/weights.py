"""How much the classes count in training where they are not equally many."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from sambench.errors import UserError

Weights = Literal["balanced"] | Sequence[float]
"""All classes count the same, or a weight for each, in their order."""


def class_weights(asked: Weights, y: Tensor, classes: Sequence[str]) -> Tensor:
    """(classes,) float32, of mean 1 over the labels `y` (n,), wrong ones included.

    So the mean of n losses, each times its class's weight, is their weighted mean.
    A class that has no label there has the weight 0 where they are balanced.
    """
    counts = torch.bincount(y.cpu(), minlength=len(classes)).double()
    if isinstance(asked, str):
        found = torch.where(counts > 0, 1 / counts, 0.0)
    elif len(asked) != len(classes):
        raise UserError(
            f"task.class_weights: must hold {len(classes)} weights, of {_listed(classes)}; "
            f"got {len(asked)}"
        )
    else:
        found = torch.tensor(asked, dtype=torch.float64)
    total = (counts * found).sum()
    if not total:
        raise UserError("task.class_weights: every training label has the weight 0")
    return (found * counts.sum() / total).float()


def _listed(classes: Sequence[str]) -> str:
    return ", ".join(classes[:3]) + ", ..." * (len(classes) > 3)
