"""The exact interval of a proportion."""

from functools import lru_cache
from typing import Any

import mpmath
from scipy import special

from sambench.stats.logarithms import DIGITS
from sambench.stats.student import ALPHA


@lru_cache(maxsize=1024)
def exact_interval(count: int, total: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Of `count` out of `total`, at 1 - alpha; (0, 1) for nothing out of nothing.

    Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    low = _quantile(alpha / 2, count, total - count + 1) if count else 0.0
    high = _quantile(1 - alpha / 2, count + 1, total - count) if count < total else 1.0
    return low, high


def _quantile(share: float, a: int, b: int) -> float:
    """Of the beta distribution, by Newton's steps, which double the digits that scipy knows."""
    with mpmath.workdps(DIGITS):
        x = mpmath.mpf(float(special.betaincinv(a, b, share)))
        for _ in range(3):
            x -= (_below(x, a, b) - share) / _density(x, a, b)
        return float(x)


def _below(x: Any, a: int, b: int) -> Any:
    return mpmath.betainc(a, b, 0, x, regularized=True)


def _density(x: Any, a: int, b: int) -> Any:
    return x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)
