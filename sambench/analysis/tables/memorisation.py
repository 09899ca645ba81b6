"""What is known after each epoch of the runs that were measured: wrong labels that were learned.

measure, variant   name of the quantity, label
epoch, epochs      that is over, from 1 on, of so many
share, low, high   weighed as the score is, with its own 95% interval
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from sambench.analysis.contest import estimate
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.worth import details, searches_of, weighed
from sambench.records import Quantity, quantities

AXES = ("epoch",)


class Learned(NamedTuple):
    """A line of the table."""

    measure: str
    variant: str
    epoch: int
    epochs: int
    share: float
    low: float
    high: float


def table(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and epoch."""
    return typed(
        (
            learned
            for quantity in quantities(evidence.header)
            if quantity.axes_named == AXES
            for row in found.rows
            for learned in _course(evidence, row.label, quantity)
        ),
        Learned,
    )


def _course(evidence: Evidence, label: str, quantity: Quantity) -> Iterator[Learned]:
    runs, shares = details(evidence, label, quantity)
    epochs = shares.shape[1] if len(runs) else 0
    for i in range(epochs):
        tuned = weighed(evidence, label, runs, shares[:, i])
        if tuned is not None:
            own = estimate(tuned, searches_of(evidence, tuned))
            low, high = (NAN if end is None else end for end in (own.low, own.high))
            yield Learned(quantity.name, label, i + 1, epochs, own.value, low, high)
