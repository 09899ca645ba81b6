"""The rise in loss in a random direction."""

from typing import Annotated

from pydantic import Field

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Surface, norm, sharpness
from sambench.records import Quantity


@measures.register("random_perturbation")
class RandomPerturbation(Measure):
    """`random_rise`: of the mean training loss at distance `rho`, over `draws` directions."""

    title = "rise at random"
    source = "Neyshabur et al. 2017, arXiv:1706.08947, section 2.2, with directions on the sphere"
    subset = "train"
    cannot_tell = (
        "In many dimensions hardly any direction is bad: it says next to nothing of the worst."
    )

    rho: Annotated[float, Field(gt=0, le=1e3)] = 0.5
    draws: Annotated[int, Field(ge=1, le=1000)] = 10

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (sharpness("random_rise"),)

    @property
    def evaluations(self) -> float:
        return (self.draws + 1) / 3

    def of(self, subject: Subject) -> dict[str, float]:
        surface = Surface(subject, subject.batches("train"))
        start = surface.loss()
        rises = []
        for i in range(self.draws):
            noise = surface.noise(2, i)
            rises.append(surface.loss_at(noise, self.rho / norm(noise)) - start)
        return {"random_rise": sum(rises) / self.draws}
