"""The work that all competitors do: one model, one batch, one base optimizer, the same for all."""

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sambench.config import Train
from sambench.tasks.images import Data
from sambench.training import base_optimizer

LR = 1e-3  # small enough for any model: a step that diverges is skipped, and would cost less


@dataclass(frozen=True)
class Work:
    """Copies of `model` train on the batch (x, y); loops train them on `data`."""

    model: nn.Module
    x: Tensor  # (b, c, h, w) float32
    y: Tensor  # (b,) int64
    data: Data
    train: Train
    amp: str

    @property
    def device(self) -> torch.device:
        return self.x.device

    def small(self, size: int) -> "Work":
        """The same work on the first `size` images."""
        return replace(self, x=self.x[:size], y=self.y[:size])

    def autocast(self) -> torch.autocast:
        """The precision that was asked for."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp == "bf16")


class Pupil:
    """A copy of the model with an optimizer of its own; counts its gradient evaluations."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.model = copy.deepcopy(work.model).train()
        self.evaluations = 0

    def base(self) -> torch.optim.Optimizer:
        """The base optimizer over this copy."""
        return base_optimizer(self.work.train, self.model, LR)

    def losses(self, rows: Tensor | slice = slice(None)) -> Tensor:
        """Per-sample losses (rows,) of the batch."""
        return self.losses_of(self.work.x[rows], self.work.y[rows])

    def losses_of(self, x: Tensor, y: Tensor) -> Tensor:
        """Per-sample losses (rows,) of any rows."""
        with self.work.autocast():
            return F.cross_entropy(self.model(x), y, reduction="none")

    def backward(self) -> None:
        """Adds the gradient of the mean loss to every `.grad`."""
        self.evaluations += 1
        self.losses().mean().backward()
