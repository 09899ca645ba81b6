"""Training curves of the settings to use, over their runs on fresh streams.

epoch, epochs     after which epoch; length of the schedule
mean, low, high   validation score of the study's objective, with its 95% t interval over runs (NaN
                  for one run); validation labels may be noisy
n                 runs
"""

from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.runs import Runs
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
    by = points.groupby(["variant", "epochs", "epoch"], sort=False, observed=True)
    found = by[["first", "second"]].agg("sum").reset_index()
    found["n"] = by.size().to_numpy()
    n, first, second = (found[name].to_numpy() for name in ("n", "first", "second"))
    mean, variance = sums.mean_and_variance(n, first, second, of)
    half = student.critical(n - 1) * np.sqrt(variance / n)
    least, most = evidence.score.bounds
    low, high = np.maximum(mean - half, least), np.minimum(mean + half, most)
    return typed(found.assign(mean=mean, low=low, high=high), CurvePoint)


def _points(evidence: Evidence) -> pd.DataFrame:
    """One row per run and epoch."""
    runs = evidence.together(evidence.chosen.values()).complete
    curves = [text.split() for text in runs.texts("curve")]
    epochs = np.array([len(curve) for curve in curves], np.int64)
    after = np.arange(1, epochs.sum() + 1) - np.repeat(epochs.cumsum() - epochs, epochs)
    points = Runs(runs.frame, np.repeat(runs.at, epochs)).table(["variant", "epochs"])
    return points.assign(epoch=after, score=np.array([*chain.from_iterable(curves)], float))
