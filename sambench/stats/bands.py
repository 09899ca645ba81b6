"""Simultaneous bands: how many standard errors cover a whole curve, or several at once."""

from collections.abc import Mapping, Sequence

import numpy as np

COVERAGE = 0.95
DRAWS = 10_000
CHUNK = 200  # members at a time, for memory's sake


def width(members: Sequence[Mapping[int, float]], freedom: int, seed: int) -> float:
    """The number of standard errors that all members' errors stay within, in 95% of studies.

    members: the influences by point of each estimate, or of each difference, in the band

    The 95% quantile of max |sum_i g_i u_i| / se over the members, g_i normal, divided by
    sqrt(chi2_df / df): the multiplier bootstrap (Chernozhukov et al. 2013, arXiv:1212.6906) with
    the jackknife's terms. Members that do not vary are left out; 0 if none does. It is drawn, so
    that studies store it: another machine may differ in its last digits.
    """
    points = sorted(set().union(*members))
    table = np.array([[member.get(i, 0.0) for i in points] for member in members])
    table = table.reshape(len(members), len(points))
    errors = np.sqrt((table**2).sum(axis=1))
    table = table[errors > 0] / errors[errors > 0, None]
    if not len(table):
        return 0.0
    rng = np.random.default_rng(seed)
    draws, largest = rng.normal(size=(DRAWS, len(points))), np.zeros(DRAWS)
    for start in range(0, len(table), CHUNK):
        some = np.abs(draws @ table[start : start + CHUNK].T)
        largest = np.maximum(largest, some.max(axis=1))
    scale = np.sqrt(rng.chisquare(freedom, size=DRAWS) / freedom)
    return float(np.quantile(largest / scale, COVERAGE))


def difference(a: Mapping[int, float], b: Mapping[int, float]) -> dict[int, float]:
    """The influences on a difference of two estimates."""
    return {i: a.get(i, 0.0) - b.get(i, 0.0) for i in a.keys() | b.keys()}
