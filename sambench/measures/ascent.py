"""The rise in loss that SAM minimises."""

import math
from typing import Annotated

from pydantic import Field
from torch import Tensor

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Surface, norm, scaled, sharpness
from sambench.records import Quantity


@measures.register("ascent")
class Ascent(Measure):
    """The rise of the mean training loss within the ball of radius `rho` around the weights.

    `ascent_first_order`: rho times the norm of the gradient. `ascent_one_step`: the rise at the end
    of SAM's own step, rho along the gradient. `ascent_worst`: the highest that `steps` normalised
    gradient steps of length 2.5 rho / steps, projected onto the ball, come by; never below the one
    step. Unlike SAM's, the gradient is that of all measured batches.
    """

    title = "rise in the ball"
    source = "Foret et al. 2021, arXiv:2010.01412, eq. 1 to 3; projected ascent: arXiv:1706.06083"
    subset = "train"
    cannot_tell = (
        "A ball of one radius means more to small weights than to large ones; the worst rise is "
        "that which ascent found, a lower bound."
    )

    rho: Annotated[float, Field(gt=0, le=1e3)] = 0.05
    steps: Annotated[int, Field(ge=1, le=1000)] = 10

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        names = ("ascent_first_order", "ascent_one_step", "ascent_worst")
        return tuple(sharpness(name) for name in names)

    @property
    def evaluations(self) -> float:
        return self.steps + 2 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        surface = Surface(subject, subject.batches("train"))
        start, gradient = surface.loss_and_gradient()
        size = norm(gradient)
        if not size:
            return dict.fromkeys([score.name for score in self.quantities], 0.0)
        step = scaled(gradient, self.rho / size)
        one = surface.loss_at(step) - start
        worst = one
        offset = scaled(gradient, self._step / size)
        for i in range(self.steps):
            offset = _projected(offset, self.rho)
            if i + 1 == self.steps:
                worst = max(worst, surface.loss_at(offset) - start)
                break
            with surface.moved(offset):
                loss, slope = surface.loss_and_gradient()
            worst, length = max(worst, loss - start), norm(slope)
            if not math.isfinite(length) or not length:
                break
            pairs = zip(offset, scaled(slope, self._step / length), strict=True)
            offset = [d + g for d, g in pairs]
        return {
            "ascent_first_order": self.rho * size,
            "ascent_one_step": one,
            "ascent_worst": worst,
        }

    @property
    def _step(self) -> float:
        return 2.5 * self.rho / self.steps


def _projected(offset: list[Tensor], rho: float) -> list[Tensor]:
    size = norm(offset)
    return scaled(offset, rho / size) if size > rho else offset
