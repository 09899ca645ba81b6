"""The mean loss of fixed batches as a function of the weights."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

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
        return self.loss_and_gradient()[1]

    def loss_and_gradient(self) -> tuple[float, list[Tensor]]:
        """In one pass forward and back."""
        total = [torch.zeros_like(p, dtype=torch.float64) for p in self.parameters]
        losses = []
        for x, y in self.batches:
            each = self.subject.losses(x, y)
            losses.append(each.detach().double().sum())
            _add(total, torch.autograd.grad(each.sum() / self.num_rows, self.parameters))
        return float(torch.stack(losses).sum()) / self.num_rows, total

    def hessian_times(self, direction: Direction) -> list[Tensor]:
        total = [torch.zeros_like(p, dtype=torch.float64) for p in self.parameters]
        for times in self._hessians():
            _add(total, times(self._like(direction)))
        return total

    def curvatures(self, directions: Sequence[Direction]) -> list[float]:
        """d.Hd of each of them, from one gradient: cheaper than as many products with H."""
        along = [self._like(direction) for direction in directions]
        total = torch.zeros(len(along), dtype=torch.float64)
        for times in self._hessians():
            total += torch.tensor([dot(d, times(d)) for d in along], dtype=torch.float64)
        return total.tolist()

    def _hessians(self) -> Iterator[Callable[[Direction], Sequence[Tensor]]]:
        """Of each batch, H as what it does to a direction, by differentiating twice.

        Attention is computed by its formula, whose kernels cannot.
        """
        with sdpa_kernel(SDPBackend.MATH):
            for x, y in self.batches:
                loss = self.subject.losses(x, y).sum() / self.num_rows
                gradient = torch.autograd.grad(loss, self.parameters, create_graph=True)
                yield partial(self._differentiated, gradient)

    def _differentiated(self, gradient: Sequence[Tensor], along: Direction) -> Sequence[Tensor]:
        slope = sum((g * d).sum() for g, d in zip(gradient, along, strict=True))
        assert isinstance(slope, Tensor)
        return torch.autograd.grad(
            slope, self.parameters, retain_graph=True, materialize_grads=True
        )

    def _like(self, direction: Direction) -> list[Tensor]:
        return [d.to(p) for d, p in zip(direction, self.parameters, strict=True)]

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


def sharpness(name: str) -> Quantity:
    """A rise or a curvature of the loss."""
    return Quantity(name=name, unit="nats", direction="minimize", role="sharpness")


def dot(one: Direction, other: Direction) -> float:
    """Over all parameters."""
    pairs = zip(one, other, strict=True)
    return sum(float((a.double() * b.double()).sum()) for a, b in pairs)


def norm(direction: Direction) -> float:
    """Euclidean, over all parameters."""
    return math.sqrt(dot(direction, direction))


def scaled(direction: Direction, factor: float) -> list[Tensor]:
    return [d * factor for d in direction]


def _add(total: Direction, more: Sequence[Tensor]) -> None:
    """In place, in float64."""
    for sum_, each in zip(total, more, strict=True):
        sum_ += each.double()
