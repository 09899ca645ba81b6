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

Up to EXACT trials all sums are of integers and rounded once; beyond, in a fixed order.
"""

from functools import lru_cache
from math import comb, sqrt

import numpy as np
from numpy.typing import ArrayLike

from sambench.stats import student
from sambench.stats.sums import integers, total

MIN_TRIALS = 16  # fewer give no interval
EXACT = 512  # trials; the integers have about as many digits


def expected_best(scores: ArrayLike, n: ArrayLike, replace: bool = False) -> np.ndarray:
    """Expected maximum of each n of the scores, 1 <= n <= N: V with `replace`, else U."""
    x, of = _sorted(scores)
    return np.array([_mean(x, of, int(k), replace) for k in np.atleast_1d(n)])


def expected_best_interval(scores: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """95% jackknife t interval of U at each n, NaN beyond a quarter of the trials.

    Arvesen 1969, doi:10.1214/aoms/1177697287: the jackknife of a U-statistic.
    """
    (x, of), sizes = _sorted(scores), np.atleast_1d(n)
    num = len(x)
    low, high = np.full((2, len(sizes)), np.nan)
    critical = float(student.critical(num - 1))
    for at, k in enumerate(map(int, sizes)):
        if num >= MIN_TRIALS and 4 * k <= num:
            half, mean = critical * _jackknife_error(x, of, k), _mean(x, of, k)
            low[at], high[at] = mean - half, mean + half
    return low, high


def best_so_far(scores: ArrayLike) -> np.ndarray:
    """Running maximum in trial order; NaN until the first score."""
    return np.fmax.accumulate(np.asarray(scores, float))


def _sorted(scores: ArrayLike) -> tuple[np.ndarray, int]:
    """In ascending order, as integers over one denominator if they are few."""
    x = np.sort(np.asarray(scores, float))
    return integers(x) if len(x) <= EXACT else (x, 1)


def _mean(x: np.ndarray, of: int, n: int, replace: bool = False) -> float:
    weights, whole = _weights(len(x), n, replace)
    return float(total(weights * x) / (whole * of))


@lru_cache(maxsize=256)  # all variants of a study have as many trials
def _weights(num: int, n: int, replace: bool) -> tuple[np.ndarray, int]:
    """Of x_(1) ... x_(N): the probability that it is the maximum of n draws, over a whole."""
    if not 1 <= n <= num:
        raise ValueError(f"n must be between 1 and the {num} trials, got {n=}")
    if num > EXACT:
        return (_shares if replace else _hypergeometric)(num, n), 1
    ranks = range(num + 1)
    below = [k**n if replace else comb(k, n) for k in ranks]  # draws that stay below a rank
    return np.diff(np.array(below, object)), below[-1]


def _shares(num: int, n: int) -> np.ndarray:
    """(i/N)^n - ((i-1)/N)^n for i = 1 ... N, by products alone."""
    base, power = np.arange(num + 1) / num, np.ones(num + 1)
    while n:
        power, base, n = power * base if n % 2 else power, base * base, n // 2
    return np.diff(power)


def _hypergeometric(num: int, n: int) -> np.ndarray:
    """C(i-1, n-1) / C(N, n) for i = 1 ... N, each from the next."""
    i = np.arange(num, 1, -1)
    ratios = np.maximum(i - n, 0) / (i - 1)
    return np.cumprod(np.concatenate([[n / num], ratios]))[::-1]


def _jackknife_error(x: np.ndarray, of: int, n: int) -> float:
    """Standard error of U by leaving each of the sorted scores out once, in O(N)."""
    num = len(x)
    w, whole = _weights(num - 1, n, False)
    below = np.concatenate([[0], np.cumsum(w * x[:-1])])  # of scores whose rank stays
    above = np.concatenate([[0], np.cumsum(w * x[1:])])  # of scores that move down by one rank
    left = below + above[-1] - above
    apart = num * left - total(left)
    return sqrt((num - 1) * total(apart**2) / (num**3 * (whole * of) ** 2))
