"""One arm over several tasks: the mean of its differences, and how far that speaks.

A mean of studies knows their own errors alone, and speaks for these very tasks; from MANY tasks on
it is a sample of tasks, and speaks for such tasks (rule 7 concludes within a task).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from sambench.stats import student
from sambench.stats.claims import Contrast
from sambench.stats.student import ALPHA

MANY = 5
"""Tasks from which on their variation can be estimated."""


@dataclass(frozen=True)
class Across:
    """The mean difference over tasks, each counting alike, and its 95% interval."""

    tasks: int
    difference: float
    low: float
    high: float

    @property
    def is_sample(self) -> bool:
        """Whether the interval holds the variation between tasks."""
        return self.tasks >= MANY


def across(differences: Sequence[Contrast]) -> Across:
    """Of one difference a task, with its error.

    Below MANY tasks the errors are added up, with the freedom of Welch and Satterthwaite; from
    there on it is a t interval over tasks.
    """
    num = len(differences)
    mean = sum(found.difference for found in differences) / num
    if num >= MANY:
        squares = sum((found.difference - mean) ** 2 for found in differences)
        error, freedom = sqrt(squares / (num - 1) / num), num - 1
    else:
        variances = [found.error**2 for found in differences]
        error = sqrt(sum(variances)) / num
        freedom = _welch(variances, [found.freedom for found in differences])
    half = student.exceeded(ALPHA / 2, freedom) * error if error else 0.0
    return Across(num, mean, mean - half, mean + half)


def _welch(variances: Sequence[float], freedoms: Sequence[int]) -> int:
    """Freedom of a sum of independent estimates, rounded down (Satterthwaite 1946)."""
    spread = sum(v * v / df for v, df in zip(variances, freedoms, strict=True))
    return int(sum(variances) ** 2 / spread) if spread else min(freedoms)
