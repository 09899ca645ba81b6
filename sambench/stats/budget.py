"""How good the best of n tuning trials is expected to be, from N trials that were run.

    V: E max of n draws with replacement     sum_i x_(i) [(i/N)^n - ((i-1)/N)^n]
    U: E max of n draws without replacement  sum_i x_(i) C(i-1, n-1) / C(N, n)

for x_(1) <= ... <= x_(N). V is Dodge et al. 2019, arXiv:1909.03004: biased low, since it may draw
one trial twice. U is unbiased for iid trials; Tang et al. 2020, arXiv:2004.14564, show the bias of
V and that bootstrap intervals cover badly. Intervals here are jackknife t intervals of U, only from
16 trials on and for n <= N/4: beyond, U rests on too few of the largest values.

Both need trials that are exchangeable: a random sampler. Halton points are not iid but spread more
evenly: U stays the mean over all subsets of the points that were run, yet the first n points of the
sequence cover the space better than such a subset, so U is a lower guide to what n Halton trials
would find, and the intervals, which assume iid, tend to be too wide. For adaptive samplers neither
holds; `best_so_far` in trial order is what was seen.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from sambench.stats import student

MIN_TRIALS = 16  # fewer give no interval


def expected_best(scores: ArrayLike, n: ArrayLike, replace: bool = False) -> np.ndarray:
    """Expected maximum of each n of the scores, 1 <= n <= N: V with `replace`, else U."""
    x = np.sort(np.asarray(scores, float))
    return np.array([_weights(len(x), int(k), replace) @ x for k in np.atleast_1d(n)])


def expected_best_interval(scores: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """95% jackknife t interval of U at each n, NaN beyond a quarter of the trials.

    Arvesen 1969, doi:10.1214/aoms/1177697287: the jackknife of a U-statistic.
    """
    x, sizes = np.sort(np.asarray(scores, float)), np.atleast_1d(n)
    num = len(x)
    low, high = np.full((2, len(sizes)), np.nan)
    critical = student.critical(num - 1)
    for at, k in enumerate(map(int, sizes)):
        if num >= MIN_TRIALS and 4 * k <= num:
            half = critical * _jackknife_error(x, k)
            mean = _weights(num, k, False) @ x
            low[at], high[at] = mean - half, mean + half
    return low, high


def best_so_far(scores: ArrayLike) -> np.ndarray:
    """Running maximum in trial order; NaN until the first score."""
    return np.fmax.accumulate(np.asarray(scores, float))


@lru_cache(maxsize=256)  # all variants of a study have as many trials
def _weights(num: int, n: int, replace: bool) -> np.ndarray:
    """Of x_(1) ... x_(N): the probability that it is the maximum of n draws."""
    if not 1 <= n <= num:
        raise ValueError(f"n must be between 1 and the {num} trials, got {n=}")
    if replace:
        return np.diff((np.arange(num + 1) / num) ** n)
    return _hypergeometric(num, n)


@lru_cache(maxsize=256)
def _hypergeometric(num: int, n: int) -> np.ndarray:
    """C(i-1, n-1) / C(N, n) for i = 1 ... N, by logarithms: N may be large."""
    logs = _log_factorials(num)
    total = logs[num] - logs[n] - logs[num - n]
    below = logs[n - 1 : num] - logs[n - 1] - logs[: num - n + 1]
    return np.concatenate([np.zeros(n - 1), np.exp(below - total)])


@lru_cache(maxsize=4)
def _log_factorials(num: int) -> np.ndarray:
    return gammaln(np.arange(num + 1) + 1.0)


def _jackknife_error(x: np.ndarray, n: int) -> float:
    """Standard error of U by leaving each of the sorted scores out once, in O(N)."""
    num = len(x)
    w = _hypergeometric(num - 1, n)
    below = np.concatenate([[0], np.cumsum(w * x[:-1])])  # of scores whose rank stays
    above = np.concatenate([[0], np.cumsum(w * x[1:])])  # of scores that move down by one rank
    left = below + above[-1] - above
    return float(np.sqrt((num - 1) / num * ((left - left.mean()) ** 2).sum()))
