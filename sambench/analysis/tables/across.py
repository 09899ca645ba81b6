"""Every variant over several studies.

    variant          in every one of the studies, with complete confirm runs
    studies          how many
    mean_rank        by mean test accuracy within a study, 1 = best, ties shared
    iqm_difference   interquartile mean of the difference from the equal-compute baseline, paired by
                     seed, over all seeds of all studies, in [-1, 1]; NaN for the baseline
    low, high        its 95% stratified bootstrap interval: new seeds on these studies, no others

Mean ranks and IQM: Agarwal et al. 2021, arXiv:2108.13264. Empty below 3 studies, and where two
studies have different baselines.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench import stats
from sambench.analysis.csv_tables import rounded
from sambench.analysis.rankings import rankings
from sambench.analysis.tables._schema import NAN, typed
from sambench.records import Records
from sambench.stats import whole

MIN_STUDIES = 3


class OverStudies(NamedTuple):
    """A line of the table."""

    variant: str
    studies: int
    mean_rank: float
    iqm_difference: float
    low: float
    high: float


def table(studies: Sequence[Records]) -> pd.DataFrame:
    """One row per variant, best mean rank first."""
    compared = [rankings(records).equal_compute for records in studies]
    baselines = {ranking.baseline for ranking in compared}
    if len(studies) < MIN_STUDIES or len(baselines) != 1 or None in baselines:
        return typed([], OverStudies)
    scores = [
        ranking.runs.query("variant in @ranking.labels").pivot(
            index="variant", columns="seed", values="test_accuracy"
        )
        for ranking in compared
    ]
    baseline = str(baselines.pop())
    ranks = stats.mean_ranks(
        [{str(label): stats.mean(runs) for label, runs in own.iterrows()} for own in scores]
    )
    if baseline not in ranks:
        return typed([], OverStudies)
    found = [
        OverStudies(label, len(studies), rank, *_difference(scores, label, baseline))
        for label, rank in ranks.items()
    ]
    found.sort(key=lambda row: (row.mean_rank, row.variant))
    return rounded(typed(found, OverStudies))


def _difference(
    scores: Sequence[pd.DataFrame], label: str, baseline: str
) -> tuple[float, float, float]:
    """IQM and the ends of its interval."""
    pairs = [_differences(own.loc[label], own.loc[baseline]) for own in scores]
    if label == baseline or not all(map(len, pairs)):
        return NAN, NAN, NAN
    found = stats.stratified_iqm(pairs)
    return found.iqm, found.low, found.high


def _differences(a: pd.Series, b: pd.Series) -> np.ndarray:
    """Of the seeds that both have, each rounded once."""
    pair, of = whole(np.stack([a.to_numpy(), b.to_numpy()]))
    d = (pair[0] - pair[1]) / of
    return d[~np.isnan(d)]
