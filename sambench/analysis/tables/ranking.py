"""The ranking, twice: against the baseline of equal compute (the headline) and of equal epochs.

ranking      "equal-compute": the baseline tuned its schedule length, so it may spend as much as
             the others; "equal-epochs": it ran the study's epochs, like them. A study without
             such a baseline has no rows here, and `note` says why.
variant      label; the ranked ones first, by mean accuracy
group        letters: ranked variants that share one are not separated; "" if not ranked
mean, low, high   test accuracy in [0, 1] and its 95% t interval over seeds
n            complete confirm runs
difference, difference_low, difference_high   minus the baseline, paired by seed, in [-1, 1],
             with its unadjusted 95% t interval; NaN for the baseline itself
p, holm_p    two-sided paired t; adjusted over the ranking's variants (5 or more shared seeds)
detectable   true difference found with 80% power at Holm's first step
test_set_se  standard error of the difference over test images
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.comparison import Standing
from sambench.analysis.rankings import Rankings
from sambench.analysis.tables._schema import typed


class RankedVariant(NamedTuple):
    """A line of the table."""

    ranking: str
    variant: str
    group: str
    mean: float
    low: float
    high: float
    n: int
    difference: float
    difference_low: float
    difference_high: float
    p: float
    holm_p: float
    detectable: float
    test_set_se: float


def table(compared: Rankings) -> pd.DataFrame:
    """One row per ranking and variant."""
    found = [
        _row(ranking.name, standing)
        for ranking in compared
        if ranking.baseline
        for standing in ranking.standings
    ]
    return typed(found, RankedVariant)


def _row(ranking: str, standing: Standing) -> RankedVariant:
    own, found = standing.accuracy, standing.against
    d = found and found.difference
    return RankedVariant(
        ranking=ranking,
        variant=standing.label,
        group=standing.group,
        mean=_or_nan(own and own.mean),
        low=_or_nan(own and own.low),
        high=_or_nan(own and own.high),
        n=own.n if own else 0,
        difference=_or_nan(d and d.mean),
        difference_low=_or_nan(d and d.low),
        difference_high=_or_nan(d and d.high),
        p=_or_nan(d and d.p),
        holm_p=_or_nan(found and found.holm_p),
        detectable=_or_nan(found and found.detectable),
        test_set_se=_or_nan(found and found.test_set_error),
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
