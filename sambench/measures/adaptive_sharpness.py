"""Sharpness that rescaling the weights leaves as it is."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Surface, norm, sharpness
from sambench.records import Quantity


@measures.register("adaptive_sharpness")
class AdaptiveSharpness(Measure):
    """The rise of the mean training loss in the ellipsoid |d / |w|| <= `rho`, element by element.

    `adaptive_worst`: the highest that `steps` steps of projected ascent come by, each of length
    2.5 rho / steps in the stretched coordinates d / |w|. `adaptive_average`: the mean over `draws`
    of d = |w| * z with z normal of deviation `sigma`.
    """

    title = "adaptive sharpness"
    source = (
        "Kwon et al. 2021, arXiv:2102.11600; Andriushchenko et al. 2023, arXiv:2302.07011, eq. 1, 2"
    )
    subset = "train"
    cannot_tell = (
        "Andriushchenko et al. found it to go along with generalisation within some tasks and "
        "against it in others."
    )

    rho: Annotated[float, Field(gt=0, le=1e3)] = 0.5
    steps: Annotated[int, Field(ge=1, le=1000)] = 10
    sigma: Annotated[float, Field(gt=0, le=1e3)] = 0.1
    draws: Annotated[int, Field(ge=1, le=1000)] = 10

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        names = ("adaptive_worst", "adaptive_average")
        return tuple(sharpness(name) for name in names)

    @property
    def evaluations(self) -> float:
        return self.steps + (self.draws + 1) / 3

    def of(self, subject: Subject) -> dict[str, float]:
        surface = Surface(subject, subject.batches("train"))
        start, gradient = surface.loss_and_gradient()
        scale = [p.detach().abs().double() for p in surface.parameters]
        return {
            "adaptive_worst": self._highest(surface, scale, gradient, start) - start,
            "adaptive_average": self._average(surface, scale, start),
        }

    def _highest(
        self, surface: Surface, scale: list[Tensor], slope: list[Tensor], highest: float
    ) -> float:
        """The loss that ascent comes by, from the loss and its slope at the weights."""
        stretched = [torch.zeros_like(s) for s in scale]
        for i in range(self.steps):
            slope = _times(slope, scale)
            length = norm(slope)
            if not math.isfinite(length) or not length:
                break
            step = 2.5 * self.rho / self.steps / length
            stretched = [z + g * step for z, g in zip(stretched, slope, strict=True)]
            if (size := norm(stretched)) > self.rho:
                stretched = [z * (self.rho / size) for z in stretched]
            offset = _times(stretched, scale)
            if i + 1 == self.steps:
                return max(highest, surface.loss_at(offset))
            with surface.moved(offset):
                loss, slope = surface.loss_and_gradient()
            highest = max(highest, loss)
        return highest

    def _average(self, surface: Surface, scale: list[Tensor], start: float) -> float:
        rises = [
            surface.loss_at(_times(surface.noise(3, i), scale), self.sigma) - start
            for i in range(self.draws)
        ]
        return sum(rises) / self.draws


def _times(direction: list[Tensor], scale: list[Tensor]) -> list[Tensor]:
    return [d * s for d, s in zip(direction, scale, strict=True)]
