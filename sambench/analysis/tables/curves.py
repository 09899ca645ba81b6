"""Training curves of the complete confirm runs.

epoch, epochs     after which epoch; length of the schedule
mean, low, high   validation accuracy in [0, 1] over seeds, with its 95% t interval (NaN for one
                  run); validation labels may be noisy
n                 runs
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

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


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per variant and epoch."""
    points = _points(runs)
    if points.empty:
        return typed([], CurvePoint)
    whole, of = sums.whole(points["accuracy"])
    points = points.assign(first=whole, second=whole * whole)
    by = points.groupby(["variant", "epochs", "epoch"])
    found = by[["first", "second"]].agg("sum").reset_index()
    found["n"] = by.size().to_numpy()
    n, first, second = (found[name].to_numpy() for name in ("n", "first", "second"))
    mean, variance = sums.mean_and_variance(n, first, second, of)
    half = student.critical(n - 1) * np.sqrt(variance / n)
    return typed(found.assign(mean=mean, low=mean - half, high=mean + half), CurvePoint)


def _points(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per run and epoch."""
    runs = runs.loc[(runs["curve"] != "").to_numpy()]
    lengths = runs["curve"].str.count(" ").to_numpy(int) + 1
    row = np.repeat(np.arange(len(runs)), lengths)
    start = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return pd.DataFrame(
        {
            "variant": runs["variant"].to_numpy()[row],
            "epochs": runs["epochs"].to_numpy()[row],
            "epoch": np.arange(len(row)) - start + 1,
            "accuracy": np.fromstring(" ".join(runs["curve"].tolist()), sep=" "),
        }
    )
