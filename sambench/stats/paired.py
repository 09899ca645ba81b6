"""Paired t over seeds, what it could have detected, and the error of the test set itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sambench.stats import student
from sambench.stats.student import ALPHA


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


def t_test(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, half width of its 95% t interval and p of "the true one is 0", values: (..., n).

    Without any spread the p is 1 where the mean is 0, else 0; NaN where fewer than two values are.
    """
    there = ~np.isnan(values)
    n = there.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, values, 0).sum(axis=-1) / n
        apart = np.where(there, values - mean[..., None], 0)
        error = ((apart**2).sum(axis=-1) / (n - 1) / n) ** 0.5
        half = student.critical(n - 1) * error
        p = np.where(error == 0, mean == 0, student.two_sided(mean / error, n - 1))
    return mean, half, p


def mean_interval(x: ArrayLike) -> Interval | None:
    """Mean of the values present, with an unadjusted 95% t interval; None without any."""
    values = present(x)
    n = len(values)
    if n == 0:
        return None
    if n == 1:
        return Interval(float(values[0]), None, None, 1)
    mean, half, _ = map(float, t_test(values))
    return Interval(mean, mean - half, mean + half, n)


def paired_difference(a: ArrayLike, b: ArrayLike) -> Difference | None:
    """Paired t of a - b over the seeds that both have; None if they share none."""
    d = present(np.asarray(a, float) - np.asarray(b, float))
    n = len(d)
    if n == 0:
        return None
    if n == 1:
        return Difference(float(d[0]), None, None, 1, None, None)
    mean, half, p = map(float, t_test(d))
    return Difference(mean, mean - half, mean + half, n, p, float(d.std(ddof=1)))


def minimum_detectable_difference(
    sd: float, n: int, alpha: float = ALPHA, power: float = 0.8
) -> float | None:
    """True mean difference that a paired t test of n pairs finds with this power; None if n < 2.

    Finding it with the wrong sign (probability below 1e-4 at 80% power) does not count.
    """
    if n < 2:
        return None
    shift = student.detectable_shift(n - 1, student.critical(n - 1, alpha), power)
    return shift * sd / n**0.5


def image_standard_error(a: np.ndarray, b: np.ndarray) -> float | None:
    """Standard error, over test images, of the difference in mean accuracy of a and b.

    Both are bool (seeds, images): which images each run got right. None for a single image.
    """
    d = a.mean(axis=0) - b.mean(axis=0)
    return float(d.std(ddof=1)) / len(d) ** 0.5 if len(d) > 1 else None


def present(x: ArrayLike) -> np.ndarray:
    """The values that are not NaN, as one dimension."""
    values = np.asarray(x, float)
    return values[~np.isnan(values)]
