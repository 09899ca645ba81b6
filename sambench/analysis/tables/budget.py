"""How good tuning gets with more trials: expected best validation accuracy of n search trials.

    estimator   "U": without replacement, unbiased for iid trials; "V": with replacement, biased low
                (`sambench.stats.budget` has formulas and sources); "best so far": in trial order,
                where a sampler is adaptive (tpe, gp) or a pruner ends runs early
    trials      n, 1 to the number of trials; beyond 32 in geometric steps
    expected    validation accuracy in [0, 1]
    low, high   95% jackknife t interval of U, for n up to a quarter of 16 or more trials, else NaN

Halton points are not iid: they cover the space more evenly, so the first n of them tend to do
better than U says of n trials drawn from all, and the intervals tend to be too wide. A diverged
trial scores 0, as in the search; failed ones do not count, nor do runs of a sweep.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench import stats
from sambench.analysis.tables._schema import typed
from sambench.analysis.tables._searched import searched
from sambench.records import Records
from sambench.stats import evenly

NON_ADAPTIVE = ("halton", "random")


class BudgetPoint(NamedTuple):
    """A line of the table."""

    variant: str
    estimator: str
    trials: int
    expected: float
    low: float
    high: float


def table(records: Records) -> pd.DataFrame:
    """One row per variant, estimator and number of trials."""
    search = records.header["spec"]["search"]
    runs = searched(records, ["val_accuracy", "outcome"])
    runs = runs.loc[((runs["source"] == "study") & (runs["outcome"] != "failed")).to_numpy()]
    scores = runs["val_accuracy"].where(runs["outcome"] == "complete", 0.0).fillna(0.0)
    exchangeable = search["sampler"] in NON_ADAPTIVE and search["pruner"] == "none"
    curves = _expected if exchangeable else _seen
    parts = [
        part.assign(variant=label)
        for label, own in scores.groupby(runs["variant"])
        for part in curves(own.to_numpy())
    ]
    return typed(pd.concat(parts, ignore_index=True) if parts else [], BudgetPoint)


def _expected(scores: np.ndarray) -> list[pd.DataFrame]:
    n = _steps(len(scores))
    low, high = stats.expected_best_interval(scores, n)
    u, v = (stats.expected_best(scores, n, replace) for replace in (False, True))
    return [
        pd.DataFrame({"estimator": "U", "trials": n, "expected": u, "low": low, "high": high}),
        pd.DataFrame({"estimator": "V", "trials": n, "expected": v}),
    ]


def _seen(scores: np.ndarray) -> list[pd.DataFrame]:
    n = _steps(len(scores))
    expected = stats.best_so_far(scores)[n - 1]
    return [pd.DataFrame({"estimator": "best so far", "trials": n, "expected": expected})]


def _steps(num: int) -> np.ndarray:
    """1, 2, ... 32, then geometric up to num."""
    first = np.arange(1, min(num, 32) + 1)
    if num <= 32:
        return first
    return np.unique(np.concatenate([first, np.rint(evenly(32, num, 16)).astype(int)]))
