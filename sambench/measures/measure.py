"""What measures have in common: a trained model in, named values out."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from sambench.config import Count, IfSet, Table
from sambench.measures.subject import Needs, Subject
from sambench.records import Score
from sambench.tasks import Data
from sambench.training import Course, Run


class Detailed(float):
    """A value, and the numbers that it sums up, along the axes of its quantity."""

    details: np.ndarray

    def __new__(cls, value: float, details: np.ndarray) -> Self:
        own = super().__new__(cls, value)
        own.details = details
        return own


class Measure(Table):
    """A measure; its fields are the keys of its table in a study file.

    The docstring of a measure defines what it computes. All of them leave the model as it was,
    weights, gradients and buffers, draw whatever is random from the subject's seed, and see
    BatchNorm with its running statistics.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    """where the definition comes from"""
    subset: ClassVar[str]
    """of the data: "train" or "test" """
    cannot_tell: ClassVar[str]
    """one sentence"""
    needs: ClassVar[Needs] = ""
    """of the items"""

    max_batches: IfSet[Count | None] = None
    """of items, where they are to be fewer than the study's `measure.max_batches`"""

    @classmethod
    def is_ready(cls) -> bool:
        """Whether it needs no setting."""
        return not any(field.is_required() for field in cls.model_fields.values())

    @property
    def quantities(self) -> tuple[Score, ...]:
        """What `of` returns: names, units, and which direction is better.

        Of a loss, or what it rises by, the unit is "nats"; a study tells it in that of its task's.
        """
        raise NotImplementedError

    def of(self, subject: Subject) -> Mapping[str, float]:
        """A value for each of the quantities, `Detailed` where it has axes; not for those that this
        model does not have.

        UserError where the model or the data lack what all of them need.
        """
        raise NotImplementedError

    def course(self, run: Run, data: Data, cache: Path | None) -> Course | None:
        """What a run tells after each epoch for it, as final weights do not; None: nothing.

        `of` finds it in the subject's `history`. cache: of the data
        """
        return None

    @property
    def evaluations(self) -> float:
        """Gradient evaluations of the measured data, about; one without gradient counts a third.

        0 where it looks at no data.
        """
        raise NotImplementedError
