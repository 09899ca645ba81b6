"""One variant over several studies: its mean rank, and the IQM of its paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import mpmath
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sambench.stats import student
from sambench.stats.logarithms import DIGITS
from sambench.stats.sums import mean, total, whole

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Stratified:
    """An interquartile mean over studies and its 95% bootstrap interval, NaN for one seed."""

    iqm: float
    low: float
    high: float


def mean_ranks(means: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean over studies of the rank by mean accuracy, 1 = best, ties shared.

    Each study maps label -> mean accuracy; only labels that all studies have are ranked.
    """
    labels = sorted(set.intersection(*(set(study) for study in means))) if means else []
    table = np.array([[study[label] for label in labels] for study in means])
    ranks = pd.DataFrame(table).rank(axis=1, ascending=False).to_numpy().T if labels else []
    return dict(zip(labels, map(mean, ranks), strict=True))


def iqm(values: ArrayLike, weights: ArrayLike | None = None) -> np.ndarray:
    """Mean of the middle half along the last axis; values cut by a quartile count in part.

    Agarwal et al. 2021, arXiv:2108.13264. Equals scipy's 25% trimmed mean where 4 divides n.
    """
    x, of = whole(values)
    w, _ = whole(np.ones(x.shape[-1]) if weights is None else weights)
    return _middle(x, np.broadcast_to(w, x.shape), of)


def _middle(x: np.ndarray, w: np.ndarray, of: int) -> np.ndarray:
    """The interquartile mean of numbers over `of`; all sums are exact where they are whole."""
    order = np.argsort(x, axis=-1, kind="stable")
    x, w = np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)
    edges = 4 * np.cumsum(w, axis=-1)
    quarter = edges[..., -1:] / 4
    share = np.diff(np.clip(edges, quarter, 3 * quarter), axis=-1, prepend=quarter)
    return total(share * x) / (2 * quarter[..., 0] * of)


def stratified_iqm(differences: Sequence[ArrayLike], seed: int = 0) -> Stratified:
    """IQM over all runs of all studies, each study with equal weight, and a bootstrap interval.

    Seeds are resampled within each study (Agarwal et al. 2021); the percentiles are widened for the
    few seeds of a study (expanded percentile interval, Hesterberg 2015, arXiv:1411.5279).
    The interval speaks for new seeds on these studies, not for other studies.
    """
    given = [np.asarray(d, float) for d in differences]
    sizes = list(map(len, given))
    values, of = whole(np.concatenate(given))
    strata = np.split(values, np.cumsum(sizes)[:-1])
    weights, _ = whole(np.concatenate([np.full(size, 1 / size) for size in sizes]))
    middle = float(_middle(values, weights, of))
    if min(sizes) < 2:
        return Stratified(middle, nan, nan)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate(
        [d[rng.integers(0, len(d), (NUM_RESAMPLES, len(d)))] for d in strata], axis=1
    )
    tail = _expanded_tail(sizes)
    middles = _middle(drawn, np.broadcast_to(weights, drawn.shape), of)
    low, high = np.quantile(middles, [tail, 1 - tail])
    return Stratified(middle, float(low), float(high))


def _expanded_tail(sizes: Sequence[int]) -> float:
    """The tail probability that gives percentiles the width of a t interval over all strata.

    A bootstrap divides by n where a variance divides by n - 1, and knows no t.
    """
    total, freedom = sum(sizes), sum(sizes) - len(sizes)
    with mpmath.workdps(DIGITS):
        wider = mpmath.sqrt(mpmath.mpf(total) / freedom)
        return float(mpmath.ncdf(-wider * float(student.critical(freedom))))
