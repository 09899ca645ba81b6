"""The training loss along lines or planes through the weights."""

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from sambench.config import Broken
from sambench.measures.measure import Detailed, Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Direction, Surface
from sambench.records import Axis, Quantity


@measures.register("slices")
class Slices(Measure):
    """The mean training loss at w + a d, `steps` values of a from -`reach` to `reach`.

    d is normal noise, each filter of which (the weights of one output) has the norm of that filter
    of w; biases and the parameters of norms stay. `slice_rise`: the mean loss at the ends, less the
    loss at w. With `dimensions` = 2, at w + a d + b e on a square grid, and the ends are its edge.
    """

    title = "slices of the loss"
    source = "Li et al. 2018, arXiv:1712.09913, section 4"
    subset = "train"
    cannot_tell = (
        "One random line or plane of very many: what looks flat or convex there need not be so."
    )

    reach: Annotated[float, Field(gt=0, le=100)] = 1.0
    steps: Annotated[int, Field(ge=3, le=201)] = 21
    dimensions: Annotated[int, Field(ge=1, le=2)] = 1

    @model_validator(mode="after")
    def _has_a_middle(self) -> Self:
        if self.steps % 2 == 0:
            raise Broken("must be odd, so that the weights are one of them", "steps")
        return self

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        along = tuple(float(f"{at:.6g}") for at in np.linspace(-self.reach, self.reach, self.steps))
        axes = tuple(Axis(name=f"position {i + 1}", ticks=along) for i in range(self.dimensions))
        return (Quantity(name="slice_rise", unit="nats", direction="minimize", axes=axes),)

    @property
    def evaluations(self) -> float:
        return self.steps**self.dimensions / 3

    def of(self, subject: Subject) -> dict[str, float]:
        surface = Surface(subject, subject.batches("train"))
        directions = [_normalised(surface, i) for i in range(self.dimensions)]
        losses = np.empty((self.steps,) * self.dimensions)
        (axis, *_), middle = self.quantities[0].axes, self.steps // 2
        for at in np.ndindex(losses.shape):
            offset = _sum(directions, [float(axis.ticks[i]) for i in at])
            losses[at] = surface.loss_at(offset)
        ends = np.any([(i == 0) | (i == self.steps - 1) for i in np.indices(losses.shape)], axis=0)
        rise = losses[ends].mean() - losses[(middle,) * self.dimensions]
        return {"slice_rise": Detailed(float(rise), losses)}


def _normalised(surface: Surface, number: int) -> list[Tensor]:
    noise = zip(surface.parameters, surface.noise(4, number), strict=True)
    return [_like(p.detach().double(), d) for p, d in noise]


def _like(weights: Tensor, noise: Tensor) -> Tensor:
    """With the norms of the weights' filters; none where they are a vector."""
    if weights.dim() < 2:
        return torch.zeros_like(noise)
    lengths = weights.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
    return noise * lengths.view(-1, *[1] * (weights.dim() - 1))


def _sum(directions: Sequence[Direction], factors: Sequence[float]) -> list[Tensor]:
    total = [torch.zeros_like(part) for part in directions[0]]
    for direction, factor in zip(directions, factors, strict=True):
        total = [sum_ + part * factor for sum_, part in zip(total, direction, strict=True)]
    return total
