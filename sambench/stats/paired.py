"""Paired t over seeds, what it could have detected, and the error of the test set itself."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from sambench.stats import power as power_
from sambench.stats import student
from sambench.stats.student import ALPHA
from sambench.stats.sums import moments, whole


@dataclass(frozen=True)
class Interval:
    """A mean over n values and its 95% t interval; one value alone has no interval."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Difference(Interval):
    """A mean paired difference, the p of "the true one is 0" and the spread of the pairs."""

    p: float | None
    sd: float | None


def t_test(values: np.ndarray, of: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, half width of its 95% t interval and p of "the true one is 0", values: (..., n).

    Without any spread the p is 1 where the mean is 0, else 0; NaN where fewer than two values are.
    The values are whole numbers over `of`, where sums are to be exact.
    """
    n, mean, variance = moments(values, of)
    error = np.sqrt(variance / np.maximum(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(error == 0, mean == 0, student.two_sided_each(mean / error, n - 1))
    return mean, student.critical(n - 1) * error, p


def mean_interval(x: ArrayLike) -> Interval | None:
    """Mean of the values present, with an unadjusted 95% t interval; None without any."""
    values, of = whole(present(x))
    n = len(values)
    if n == 0:
        return None
    mean, half, _ = map(float, t_test(values, of))
    return Interval(mean, mean - half, mean + half, n) if n > 1 else Interval(mean, None, None, 1)


def paired_difference(a: ArrayLike, b: ArrayLike) -> Difference | None:
    """Paired t of a - b over the seeds that both have; None if they share none."""
    pair, of = whole(np.stack([np.asarray(a, float), np.asarray(b, float)]))
    d = present(pair[0] - pair[1])
    n = len(d)
    if n == 0:
        return None
    _, mean, variance = map(float, moments(d, of))
    if n == 1:
        return Difference(mean, None, None, 1, None, None)
    error = sqrt(variance / n)
    half = float(student.critical(n - 1)) * error
    p = student.two_sided(mean / error, n - 1) if error else float(mean == 0)
    return Difference(mean, mean - half, mean + half, n, p, sqrt(variance))


def minimum_detectable_difference(
    sd: float, n: int, alpha: float = ALPHA, power: float = 0.8
) -> float | None:
    """True mean difference that a paired t test of n pairs finds with this power; None if n < 2.

    Finding it with the wrong sign (probability below 1e-4 at 80% power) does not count.
    """
    if n < 2:
        return None
    shift = power_.detectable_shift(n - 1, float(student.critical(n - 1, alpha)), power)
    return shift * sd / sqrt(n)


def image_standard_error(a: np.ndarray, b: np.ndarray) -> float | None:
    """Standard error, over test images, of the difference in mean accuracy of a and b.

    Both are bool (seeds, images): which images each run got right. None for a single image.
    """
    shares, of = whole(np.stack([a.mean(axis=0), b.mean(axis=0)]))
    d = shares[0] - shares[1]
    return sqrt(float(moments(d, of)[2])) / sqrt(len(d)) if len(d) > 1 else None


def present(x: ArrayLike) -> np.ndarray:
    """The values that are not NaN, as one dimension."""
    values = np.asarray(x, float)
    return values[~np.isnan(values)]
