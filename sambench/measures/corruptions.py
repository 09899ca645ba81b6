"""Accuracy on images that noise, optics, weather and files have spoilt."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from sambench.config import Listed
from sambench.measures.measure import Measure
from sambench.measures.predictions import accuracy
from sambench.measures.registry import measures
from sambench.measures.spoiling import CORRUPTIONS, SEVERITIES, spoilt
from sambench.measures.subject import Batch, Subject
from sambench.records import Score

Severity = Annotated[int, Field(ge=1, le=SEVERITIES)]


@measures.register("corruptions")
class Corruptions(Measure):
    """Accuracy on the test images under 17 corruptions of 5 severities, ours, not ImageNet-C's.

    `corrupted`: the mean over corruptions and severities; `under_NAME`: over the severities of one;
    `severity_1` to `severity_5`: over the corruptions at one. What happens to an image depends on
    its place in the test set, the corruption and the severity, and on nothing else, so that all
    models see the same. Greyscale images have no saturation, so theirs are 16.
    """

    title = "corrupted images"
    source = "after Hendrycks & Dietterich 2019, arXiv:1903.12261; for theirs, measure their files"
    subset = "test"
    cannot_tell = (
        "These are seventeen of the ways in which pictures go wrong; numbers do not compare with "
        "those on CIFAR-10-C or ImageNet-C."
    )

    severities: Annotated[tuple[Severity, ...], Listed, Field(min_length=1)] = (1, 2, 3, 4, 5)

    @property
    def quantities(self) -> tuple[Score, ...]:
        severities = [f"severity_{level}" for level in self.severities]
        names = ["corrupted", *severities, *(f"under_{name}" for name in CORRUPTIONS)]
        return tuple(Score(name=name, unit="share", direction="maximize") for name in names)

    @property
    def evaluations(self) -> float:
        return len(CORRUPTIONS) * len(self.severities) / 3

    def of(self, subject: Subject) -> dict[str, float]:
        channels = subject.batches("test")[0][0].shape[1]
        names = [name for name, each in CORRUPTIONS.items() if channels == 3 or not each.colour]
        found = {
            (name, level): accuracy(subject, _corrupted(subject, name, level))
            for name in names
            for level in self.severities
        }
        means = {"corrupted": _mean(list(found.values()))}
        for level in self.severities:
            means[f"severity_{level}"] = _mean([found[name, level] for name in names])
        for name in names:
            means[f"under_{name}"] = _mean([found[name, level] for level in self.severities])
        return means


def _corrupted(subject: Subject, name: str, severity: int) -> Iterator[Batch]:
    first = 0
    for x, y in subject.test:
        yield spoilt(x, name, severity, first=first), y
        first += len(y)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
