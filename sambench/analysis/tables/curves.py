"""Training curves of the settings to use, over their runs on fresh streams.

epoch, epochs     after which epoch; length of the schedule
mean, low, high   validation score of the study's objective, with its 95% t interval over runs (NaN
                  for one run); validation labels may be noisy
n                 runs
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import typed
from sambench.stats import student, sums


class CurvePoint(NamedTuple):
    """A line of the table."""

    variant: str
    epoch: int
    epochs: int
    mean: float
    low: float
    high: float
    n: int


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per arm and epoch."""
    points = _points(evidence)
    if points.empty:
        return typed([], CurvePoint)
    whole, of = sums.whole(points["score"])
    points = points.assign(first=whole, second=whole * whole)
    by = points.groupby(["variant", "epochs", "epoch"], sort=False)
    found = by[["first", "second"]].agg("sum").reset_index()
    found["n"] = by.size().to_numpy()
    n, first, second = (found[name].to_numpy() for name in ("n", "first", "second"))
    mean, variance = sums.mean_and_variance(n, first, second, of)
    half = student.critical(n - 1) * np.sqrt(variance / n)
    low, high = np.maximum(mean - half, 0), np.minimum(mean + half, 1)
    return typed(found.assign(mean=mean, low=low, high=high), CurvePoint)


def _points(evidence: Evidence) -> pd.DataFrame:
    """One row per run and epoch."""
    runs = [run for label in evidence.arms for run in evidence.chosen(label) if run.is_complete]
    return pd.DataFrame(
        [
            (run.variant, run.epochs, epoch, float(score))
            for run in runs
            for epoch, score in enumerate(run.curve.split(), 1)
        ],
        columns=pd.Index(["variant", "epochs", "epoch", "score"]),
    )
