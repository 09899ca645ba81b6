"""Accuracy on images that noise, optics, weather and files have spoilt."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from sambench.config import Listed
from sambench.measures.corrupted import summed_up
from sambench.measures.measure import Measure
from sambench.measures.predictions import accuracy
from sambench.measures.registry import measures
from sambench.measures.spoiling import CORRUPTIONS, SEVERITIES, spoilt
from sambench.measures.subject import Batch, Subject
from sambench.records import Axis, Quantity

Severity = Annotated[int, Field(ge=1, le=SEVERITIES)]


@measures.register("corruptions")
class Corruptions(Measure):
    """Accuracy on the test images under 17 corruptions of 5 severities, ours, not ImageNet-C's.

    `corrupted`: the mean over corruptions and `severities`. What happens to an image depends on its
    place in the test set, the corruption and the severity, and on nothing else, so that all models
    see the same. Greyscale images have no saturation, so theirs are 16.
    """

    title = "corrupted images"
    source = "after Hendrycks & Dietterich 2019, arXiv:1903.12261; for theirs see `cifar_c`"
    subset = "test"
    needs = "images"
    cannot_tell = (
        "These are seventeen of the ways in which pictures go wrong; numbers do not compare with "
        "those on CIFAR-10-C or ImageNet-C."
    )

    severities: Annotated[tuple[Severity, ...], Listed, Field(min_length=1)] = (1, 2, 3, 4, 5)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        axes = (
            Axis(name="corruption", ticks=tuple(CORRUPTIONS)),
            Axis(name="severity", ticks=(0, *self.severities)),
        )
        return (Quantity(name="corrupted", unit="share", direction="maximize", axes=axes),)

    @property
    def evaluations(self) -> float:
        return (len(CORRUPTIONS) * len(self.severities) + 1) / 3

    def of(self, subject: Subject) -> dict[str, float]:
        channels = subject.batches("test")[0][0].shape[1]
        table = np.full((len(CORRUPTIONS), len(self.severities) + 1), np.nan)
        clean = accuracy(subject, subject.test)
        for row, (name, each) in zip(table, CORRUPTIONS.items(), strict=True):
            if channels == 3 or not each.colour:
                spoiled = [_corrupted(subject, name, level) for level in self.severities]
                row[:] = [clean, *(accuracy(subject, batches) for batches in spoiled)]
        return {"corrupted": summed_up(table)}


def _corrupted(subject: Subject, name: str, severity: int) -> Iterator[Batch]:
    first = 0
    for x, y in subject.test:
        yield spoilt(x, name, severity, first=first), y
        first += len(y)
