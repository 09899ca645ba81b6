"""Sums that are the same on every machine, whatever its vectors, libraries and threads.

Scores are counts over counts. As whole numbers over one denominator they have exact sums, whose
quotients are rounded once. Other numbers are added in one fixed order.
"""

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import ArrayLike

LARGEST = 2**24  # denominator; a double tells fractions up to it apart


def whole(values: ArrayLike) -> tuple[np.ndarray, int]:
    """The numerators, as whole doubles, and the denominator of values that are counts over counts.

    NaN stays NaN. Values that are none come back as they are, over 1.

    >>> whole([0.25, 1 / 3])
    (array([3., 4.]), 12)
    """
    x, of = np.asarray(values, float), 1
    known = x[~np.isnan(x)]
    while len(left := known[np.rint(known * of) / of != known]):
        simplest = Fraction(float(left[0])).limit_denominator(LARGEST)
        of = lcm(of, simplest.denominator)
        if of > LARGEST or float(simplest) != left[0]:
            return x, 1
    return np.rint(x * of), of


def total(x: np.ndarray) -> np.ndarray:
    """Sum over the last axis by halves: in an order of its own, exact for whole numbers."""
    if not x.shape[-1]:
        return x.sum(axis=-1)
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        front = x[..., :-half].copy()
        front[..., :half] += x[..., -half:]
        x = front
    return x[..., 0]


def mean_and_variance(
    n: np.ndarray, first: np.ndarray, second: np.ndarray, of: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Of n whole numbers over `of`, from their sum and the sum of their squares; NaN if undefined.

    The variance divides by n - 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return first / (n * of), (n * second - first * first) / (n * (n - 1) * of**2)
