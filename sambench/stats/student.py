"""Student's t, by scipy.special: scipy.stats gives the same numbers and takes longer to load."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

ALPHA = 0.05


def critical(freedom: ArrayLike, alpha: float = ALPHA) -> Any:
    """What |t| exceeds with probability alpha; half a 95% interval by default."""
    return -special.stdtrit(freedom, alpha / 2)


def two_sided(t: ArrayLike, freedom: ArrayLike) -> Any:
    """The p of "the true mean is 0"."""
    return 2 * special.stdtr(freedom, -np.abs(t))


def detectable_shift(freedom: float, critical: float, power: float) -> float:
    """The noncentrality at which t exceeds `critical` with this power."""
    return float(special.nctdtrinc(freedom, 1 - power, critical))
