"""One variant over several studies: its mean rank, and the IQM of its paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from sambench.stats import student

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
    ranks = pd.DataFrame(table).rank(axis=1, ascending=False).mean() if labels else []
    return dict(zip(labels, map(float, ranks), strict=True))


def iqm(values: ArrayLike, weights: ArrayLike | None = None) -> np.ndarray:
    """Mean of the middle half along the last axis; values cut by a quartile count in part.

    Agarwal et al. 2021, arXiv:2108.13264. Equals scipy's 25% trimmed mean where 4 divides n.
    """
    x = np.asarray(values, float)
    w = np.broadcast_to(np.ones(x.shape[-1]) if weights is None else np.asarray(weights), x.shape)
    order = np.argsort(x, axis=-1)
    x, w = np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)
    edges = np.cumsum(w, axis=-1) / w.sum(axis=-1, keepdims=True)
    upper = np.clip(edges, 0.25, 0.75)
    share = np.diff(upper, axis=-1, prepend=0.25)
    return (share * x).sum(axis=-1) / 0.5


def stratified_iqm(differences: Sequence[ArrayLike], seed: int = 0) -> Stratified:
    """IQM over all runs of all studies, each study with equal weight, and a bootstrap interval.

    Seeds are resampled within each study (Agarwal et al. 2021); the percentiles are widened for the
    few seeds of a study (expanded percentile interval, Hesterberg 2015, arXiv:1411.5279).
    The interval speaks for new seeds on these studies, not for other studies.
    """
    strata = [np.asarray(d, float) for d in differences]
    weights = np.concatenate([np.full(len(d), 1 / len(d)) for d in strata])
    rng = np.random.default_rng(seed)
    drawn = np.concatenate(
        [d[rng.integers(0, len(d), (NUM_RESAMPLES, len(d)))] for d in strata], axis=1
    )
    middle = float(iqm(np.concatenate(strata), weights))
    if min(map(len, strata)) < 2:
        return Stratified(middle, nan, nan)
    tail = _expanded_tail([len(d) for d in strata])
    low, high = np.quantile(iqm(drawn, weights), [tail, 1 - tail])
    return Stratified(middle, float(low), float(high))


def _expanded_tail(sizes: Sequence[int]) -> float:
    """The tail probability that gives percentiles the width of a t interval over all strata.

    A bootstrap divides by n where a variance divides by n - 1, and knows no t.
    """
    total, freedom = sum(sizes), sum(sizes) - len(sizes)
    return float(ndtr(-((total / freedom) ** 0.5) * student.critical(freedom)))
