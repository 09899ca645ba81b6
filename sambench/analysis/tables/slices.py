"""The training loss along random directions, a quantity, arm and position a line.

measure, variant   name of the quantity, label
x, y               place along the one or two directions, in norms of the filters; y is NaN of lines
loss, low, high    weighed as the score is, with its own 95% interval; of planes the value alone
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate, Leaderboard
from sambench.analysis.runs import Runs
from sambench.analysis.tables._schema import NAN, typed
from sambench.analysis.worth import details, mean_details, searches_of, uncut, weighed
from sambench.records import Quantity, quantities

AXES = (("position 1",), ("position 1", "position 2"))


class Position(NamedTuple):
    """A line of the table."""

    measure: str
    variant: str
    x: float
    y: float
    loss: float
    low: float
    high: float


def table(evidence: Evidence, found: Leaderboard) -> pd.DataFrame:
    """One row per quantity, arm and position."""
    return typed(
        (
            position
            for quantity in quantities(evidence.header)
            if quantity.axes_named in AXES
            for row in found.rows
            for position in _positions(evidence, row.label, quantity)
        ),
        Position,
    )


def _positions(evidence: Evidence, label: str, quantity: Quantity) -> Iterator[Position]:
    ticks = [[float(tick) for tick in axis.ticks] for axis in quantity.axes]
    if len(ticks) == 1:
        runs, losses = details(evidence, label, quantity)
        for i, x in enumerate(ticks[0] if len(runs) else ()):
            if (own := _worth(evidence, label, runs, losses[:, i])) is not None:
                yield Position(quantity.name, label, x, NAN, own.value, _or(own.low), _or(own.high))
        return
    whole = mean_details(evidence, label, quantity)
    for at in np.ndindex(whole.shape) if whole is not None else ():
        x, y = (along[i] for along, i in zip(ticks, at, strict=True))
        loss = float(whole[at]) if whole is not None else NAN
        yield Position(quantity.name, label, x, y, loss, NAN, NAN)


def _worth(evidence: Evidence, label: str, runs: Runs, losses: np.ndarray) -> Estimate | None:
    known = np.isfinite(losses)
    tuned = weighed(evidence, label, runs.where(known), losses[known])
    return uncut(tuned, searches_of(evidence, tuned)) if tuned is not None else None


def _or(value: float | None) -> float:
    return NAN if value is None else value
