"""Whether the model is right as often as it says."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from sambench.measures.measure import Detailed, Measure
from sambench.measures.predictions import log_loss, probabilities
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.records import Axis, Quantity


@measures.register("calibration")
class Calibration(Measure):
    """Confidence, the probability of the predicted class, against accuracy, on the test set.

    `ece`: over `bins` bins of equal width, the mean of |accuracy - mean confidence| weighted by
    items; a confidence on a border belongs to the bin below. `ece_adaptive`: the same over bins of
    as equal numbers of items as can be. `brier`: the mean over items of the squared distance
    between probabilities and label, summed over classes, 0 to 2. `nll`: mean negative
    log-likelihood.
    """

    title = "calibration"
    source = (
        "Guo et al. 2017, arXiv:1706.04599, eq. 3; Nixon et al. 2019, arXiv:1904.01685; Brier 1950"
    )
    subset = "test"
    needs = "classes"
    cannot_tell = (
        "ECE depends on its bins, and a model that always answers with the base rates is perfectly "
        "calibrated."
    )

    bins: Annotated[int, Field(ge=1, le=1000)] = 15

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        bins = Axis(name="bin", ticks=tuple(range(1, self.bins + 1)))
        axes = (bins, Axis(name="share", ticks=("images", "confidence", "right")))
        down: Any = {"direction": "minimize"}
        return (
            Quantity(name="ece", unit="share", axes=axes, **down),
            Quantity(name="ece_adaptive", unit="share", axes=axes, **down),
            Quantity(name="brier", unit="squared", **down),
            Quantity(name="nll", unit="nats", **down),
        )

    @property
    def evaluations(self) -> float:
        return 1 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        chances, labels = probabilities(subject, subject.batches("test"))
        confidence, right = chances.max(1), chances.argmax(1) == labels
        borders = np.linspace(0, 1, self.bins + 1)
        width = np.clip(np.searchsorted(borders, confidence, side="left") - 1, 0, self.bins - 1)
        rank = np.empty(len(labels), int)
        rank[np.argsort(confidence, kind="stable")] = np.arange(len(labels))
        mass = rank * self.bins // len(labels)
        own = chances[np.arange(len(labels)), labels]
        brier = (chances**2).sum(1) - 2 * own + 1
        return {
            "ece": self._gap(width, confidence, right),
            "ece_adaptive": self._gap(mass, confidence, right),
            "brier": float(brier.mean()),
            "nll": log_loss(chances, labels),
        }

    def _gap(self, bins: np.ndarray, confidence: np.ndarray, right: np.ndarray) -> Detailed:
        """With each bin's items, their summed confidence, and the right ones, over all items."""
        each = (np.ones(len(bins)), confidence, right)
        sums = np.array([np.bincount(bins, own, self.bins) for own in each]) / len(bins)
        return Detailed(float(np.abs(sums[2] - sums[1]).sum()), sums.T)
