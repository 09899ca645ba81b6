"""How far two numbers of runs rise together, in the form in which tuned arms are compared."""

from collections.abc import Mapping, Sequence
from math import fsum, isnan, sqrt

import numpy as np

from sambench.stats.tuned import Tuned


def rank_correlation(x: np.ndarray, y: np.ndarray, points: np.ndarray) -> Tuned | None:
    """Kendall's tau-b of (n,) values, and how far each point moves it: delete-one jackknife.

    points: (n,) whole numbers; runs that share one leave together, as they depend on each other

    None where either of the two is the same in all runs, with or without some point.
    """
    tau, numbers = _tau(x, y), sorted(set(points.tolist()))
    without = {i: _tau(x[points != i], y[points != i]) for i in numbers}
    if len(numbers) < 3 or isnan(tau) or any(map(isnan, without.values())):
        return None
    n = len(numbers)
    middle, factor = fsum(without.values()) / n, sqrt((n - 1) / n)
    return Tuned(tau, {i: factor * (own - middle) for i, own in without.items()})


def mean_of(found: Sequence[Tuned]) -> Tuned:
    """Of several that share points."""
    moved: dict[int, list[float]] = {}
    for one in found:
        for point, by in one.influence.items():
            moved.setdefault(point, []).append(by)
    influence: Mapping[int, float] = {i: fsum(by) / len(found) for i, by in moved.items()}
    return Tuned(fsum(float(one.score) for one in found) / len(found), dict(influence))


def _tau(x: np.ndarray, y: np.ndarray) -> float:
    """NaN where it is not defined."""
    from scipy.stats import kendalltau  # takes half a second

    if len(x) < 2:
        return np.nan
    return float(kendalltau(x, y, method="asymptotic").statistic)  # pyright: ignore
