"""What measures have in common: a trained model in, named values out."""

from collections.abc import Mapping
from typing import ClassVar

from sambench.config import Table
from sambench.measures.subject import Subject
from sambench.records import Score


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

    @property
    def quantities(self) -> tuple[Score, ...]:
        """What `of` returns: names, units, and which direction is better."""
        raise NotImplementedError

    def of(self, subject: Subject) -> Mapping[str, float]:
        """A value for each of the quantities, but for those that this model does not have.

        UserError where the model or the data lack what all of them need.
        """
        raise NotImplementedError

    @property
    def evaluations(self) -> float:
        """Gradient evaluations of the measured data, about; one without gradient counts a third.

        0 where it looks at no data.
        """
        raise NotImplementedError
