"""How evenly training went: from the epochs of a run, not from its weights."""

import math
from collections.abc import Callable
from statistics import fmean

from sambench.errors import UserError
from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Epoch, Subject
from sambench.records import Score

_OF_EACH: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    "gradient_norm_q10": ("grad_norm_q10", fmean),
    "gradient_norm_q50": ("grad_norm_q50", fmean),
    "gradient_norm_q90": ("grad_norm_q90", fmean),
    "gradient_norm_max": ("grad_norm_max", max),
    "gradient_cosine": ("cosine", fmean),
    "realised_radius": ("radius", fmean),
}
"""Quantity -> what an epoch's row has of it, and what it is over the epochs that have it."""


@measures.register("stability")
class Stability(Measure):
    """Of the whole of training, in eight numbers.

    `loss_spikes`: the share of steps whose loss lies 7 standard deviations above the mean of the
    100 before (20 at least). `skipped_steps`: the share that was not applied, some pass not being
    finite. `gradient_norm_q10`, `gradient_norm_q50`, `gradient_norm_q90`: quantiles over an epoch's
    steps of the norm of a step's first gradient, their mean over epochs; `gradient_norm_max`: the
    largest of all. `gradient_cosine`: between the gradients at the weights and at the perturbed
    ones, and `realised_radius`: the distance between the two, in the last step of every epoch, the
    mean over epochs; of a variant that has them.
    """

    title = "stability"
    source = "loss spikes after OLMo 2, arXiv:2501.00656, section 3.1; the rest by definition"
    subset = "train"
    cannot_tell = (
        "Only of runs that came to their end: those that diverged are counted beside the scores, "
        "with their epoch in the records; and no norm, cosine or radius is better in itself."
    )

    @property
    def quantities(self) -> tuple[Score, ...]:
        shares = (
            Score(name=name, unit="share", direction="minimize")
            for name in ("loss_spikes", "skipped_steps")
        )
        return (
            *shares,
            *(
                Score(
                    name=name,
                    unit="cosine" if name == "gradient_cosine" else "norm",
                    direction="maximize" if name == "gradient_cosine" else "minimize",
                )
                for name in _OF_EACH
            ),
        )

    @property
    def evaluations(self) -> float:
        return 0.0

    def of(self, subject: Subject) -> dict[str, float]:
        epochs = subject.history
        if not epochs:
            raise UserError("nothing tells how these weights were trained")
        if any("loss_spikes" not in epoch for epoch in epochs):
            raise UserError("an older version trained this run, which kept no norms of its steps")
        steps = epochs[-1]["steps"]
        found = {
            "loss_spikes": sum(epoch["loss_spikes"] for epoch in epochs) / steps,
            "skipped_steps": epochs[-1]["skipped_steps"] / steps,
        }
        for name, (key, over) in _OF_EACH.items():
            if values := _known(epochs, key):
                found[name] = over(values)
        return found


def _known(epochs: tuple[Epoch, ...], key: str) -> list[float]:
    return [epoch[key] for epoch in epochs if math.isfinite(epoch[key])]
