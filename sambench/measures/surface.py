"""The mean loss of fixed batches as a function of the weights."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sambench.measures.subject import Batch, Subject
from sambench.records import Quantity

Direction = Sequence[Tensor]
"""A tensor for each parameter, of its shape"""


class Surface:
    """Loss, gradient and curvature of the batches' mean loss, at the weights and around them.

    Sums over batches are taken in float64.
    """

    def __init__(self, subject: Subject, batches: Sequence[Batch]) -> None:
        self.subject = subject
        self.batches = batches
        self.parameters = subject.parameters
        self.num_rows = sum(len(y) for _, y in batches)

    @torch.no_grad()
    def loss(self) -> float:
        found = [self.subject.losses(x, y).double().sum() for x, y in self.batches]
        return float(torch.stack(found).sum()) / self.num_rows

    def gradient(self) -> list[Tensor]:
        total = [torch.zeros_like(p, dtype=torch.float64) for p in self.parameters]
        for loss in self._losses():
            for sum_, g in zip(total, torch.autograd.grad(loss, self.parameters), strict=True):
                sum_ += g.double()
        return total

    def hessian_times(self, direction: Direction) -> list[Tensor]:
        """By differentiating twice; attention is computed by its formula, whose kernels cannot."""
        along = [d.to(p) for d, p in zip(direction, self.parameters, strict=True)]
        total = [torch.zeros_like(p, dtype=torch.float64) for p in self.parameters]
        with sdpa_kernel(SDPBackend.MATH):
            for loss in self._losses():
                gradient = torch.autograd.grad(loss, self.parameters, create_graph=True)
                slope = sum((g * d).sum() for g, d in zip(gradient, along, strict=True))
                assert isinstance(slope, Tensor)
                found = torch.autograd.grad(slope, self.parameters, materialize_grads=True)
                for sum_, each in zip(total, found, strict=True):
                    sum_ += each.double()
        return total

    @contextmanager
    def moved(self, offset: Direction, scale: float = 1.0) -> Iterator[None]:
        """At the weights + scale * offset for a while; then bit for bit where they were."""
        before = [p.detach().clone() for p in self.parameters]
        try:
            with torch.no_grad():
                for p, d in zip(self.parameters, offset, strict=True):
                    p.add_(d.to(p), alpha=scale)
            yield
        finally:
            with torch.no_grad():
                for p, was in zip(self.parameters, before, strict=True):
                    p.copy_(was)

    def loss_at(self, offset: Direction, scale: float = 1.0) -> float:
        with self.moved(offset, scale):
            return self.loss()

    def noise(self, *stream: int) -> list[Tensor]:
        """Standard normal, in float64, the same on every device."""
        generator = self.subject.generator(*stream)
        return [
            torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.device)
            for p in self.parameters
        ]

    def _losses(self) -> Iterator[Tensor]:
        for x, y in self.batches:
            yield self.subject.losses(x, y).sum() / self.num_rows


def sharpness(name: str) -> Quantity:
    """A rise or a curvature of the loss."""
    return Quantity(name=name, unit="nats", direction="minimize", role="sharpness")


def norm(direction: Direction) -> float:
    """Euclidean, over all parameters."""
    return math.sqrt(sum(float(d.double().square().sum()) for d in direction))


def scaled(direction: Direction, factor: float) -> list[Tensor]:
    return [d * factor for d in direction]
