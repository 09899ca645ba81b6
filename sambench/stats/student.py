"""Student's t: its quantiles and tails, computed in 30 digits and rounded once.

mpmath needs no processor's arithmetic; scipy tells Newton's steps where to start.
"""

from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sambench.stats.logarithms import DIGITS

ALPHA = 0.05


def critical(freedom: ArrayLike, alpha: float = ALPHA) -> np.ndarray:
    """What |t| exceeds with probability alpha, NaN without freedom; half a 95% interval."""
    distinct, at = np.unique(np.asarray(freedom), return_inverse=True)
    return np.array([_critical(int(one), alpha) for one in distinct], float)[at]


def above(t: float, freedom: int) -> float:
    """The one-sided p of "the true mean is not above 0"."""
    with mpmath.workdps(DIGITS):
        half = _beyond(mpmath.mpf(t), freedom) / 2
        return float(half if t > 0 else 1 - half)


def exceeded(tail: float, freedom: int) -> float:
    """What t exceeds with this probability, below 0.5."""
    return _critical(freedom, 2 * tail)


@lru_cache(maxsize=1024)
def _critical(freedom: int, alpha: float) -> float:
    """By Newton's steps, which double the digits that scipy knows."""
    if freedom < 1:
        return np.nan
    with mpmath.workdps(DIGITS):
        t = mpmath.mpf(float(-special.stdtrit(freedom, alpha / 2)))
        for _ in range(3):
            t += (_beyond(t, freedom) - alpha) / (2 * _density(t, freedom))
        return float(t)


def _beyond(t: Any, freedom: int) -> Any:
    """The chance of a larger |t|: by what lies within where that takes few terms."""
    if t**2 >= freedom / 10:
        half = mpmath.mpf(freedom) / 2
        return mpmath.betainc(half, 0.5, 0, freedom / (freedom + t**2), regularized=True)
    with mpmath.extradps(10 + int(t**2 / 4)):  # by which the rest of 1 has fewer digits
        half, x = mpmath.mpf(freedom) / 2, t**2 / (freedom + t**2)
        terms = mpmath.hyp2f1(half + 0.5, 1, 1.5, x)
        return 1 - 2 * mpmath.sqrt(x) * (1 - x) ** half * terms / mpmath.beta(half, 0.5)


def _density(t: Any, freedom: int) -> Any:
    half = mpmath.mpf(freedom) / 2
    scale = mpmath.sqrt(freedom) * mpmath.beta(half, 0.5)
    return (1 + t**2 / freedom) ** (-half - 0.5) / scale
