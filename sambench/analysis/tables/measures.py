"""What was measured of weights, an arm and quantity a line.

measure, unit, direction   name of a quantity, its unit, and which way is better
variant                    label; the ranked ones first, by score
value, low, high           weighed over confirmed ranks as the score is, and its own 95% interval;
                           of fixed settings the mean over seeds
plain                      the best ranked arm of the baseline; "" for arms of the baseline
difference, difference_low, difference_high   minus that, with its own 95% interval
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.findings import Estimate, Leaderboard
from sambench.analysis.tables._schema import NAN, typed


class MeasuredArm(NamedTuple):
    """A line of the table."""

    measure: str
    unit: str
    direction: str
    variant: str
    value: float
    low: float
    high: float
    plain: str
    difference: float
    difference_low: float
    difference_high: float


def table(found: Leaderboard) -> pd.DataFrame:
    """One row per quantity and arm."""
    return typed(
        [
            MeasuredArm(
                row.score.name,
                row.score.unit,
                row.score.direction,
                row.label,
                *_cells(row.value),
                row.plain,
                *_cells(row.difference),
            )
            for row in found.measured
        ],
        MeasuredArm,
    )


def _cells(found: Estimate | None) -> tuple[float, float, float]:
    if found is None:
        return NAN, NAN, NAN
    low, high = (NAN if end is None else end for end in (found.low, found.high))
    return found.value, low, high
