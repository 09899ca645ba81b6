"""Which rows of a tidy table tell something, and which of them are drawn."""

import math
from collections.abc import Iterable
from typing import Protocol, TypeVar

import pandas as pd

from sambench.scores import ACCURACY, Score


class OfVariant(Protocol):
    """A row of a tidy table."""

    @property
    def variant(self) -> str: ...


Row = TypeVar("Row")
Own = TypeVar("Own", bound=OfVariant)


def known(value: object) -> bool:
    """Whether this cell holds something: a number that is not NaN, a text that is not empty."""
    return value == value and value not in (None, "")


def have(found: Iterable[Row], *names: str) -> list[Row]:
    """The rows that know all of these columns."""
    return [row for row in found if all(known(getattr(row, name)) for name in names)]


def by_variant(found: Iterable[Own]) -> dict[str, list[Own]]:
    groups: dict[str, list[Own]] = {}
    for row in found:
        groups.setdefault(row.variant, []).append(row)
    return groups


def thinned(frame: pd.DataFrame, most: int, score: Score = ACCURACY) -> pd.DataFrame:
    """At most so many rows per variant, evenly spread, the best one always among them."""
    if len(frame) <= most:
        return frame
    chosen = []
    for _, own in frame.groupby("variant", sort=False):
        every = math.ceil(len(own) / most)
        best = (score.sign * own["val"]).fillna(-math.inf).to_numpy().argmax()
        chosen += list(own.index[sorted({*range(0, len(own), every), int(best)})])
    return frame.loc[chosen]
