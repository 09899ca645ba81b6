"""Places on a logarithmic scale, computed in 30 digits: a processor's own log may differ."""

import mpmath
import numpy as np

DIGITS = 30


def evenly(low: float, high: float, num: int) -> np.ndarray:
    """So many numbers from low to high, both > 0, at equal ratios."""
    with mpmath.workdps(DIGITS):
        start = mpmath.log(float(low))
        step = (mpmath.log(float(high)) - start) / (num - 1)
        inner = [float(mpmath.exp(start + i * step)) for i in range(1, num - 1)]
    return np.array([low, *inner, high], float)


def decades(low: float, high: float) -> float:
    """log10(high / low)."""
    with mpmath.workdps(DIGITS):
        return float(mpmath.log10(mpmath.mpf(float(high)) / float(low)))
