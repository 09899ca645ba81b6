"""The statistics of a leaderboard: paired t, Holm, compact letters, what could have been detected.

Scores are arrays over the same seeds, NaN where a run is missing. All tests are two-sided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_letters

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

ALPHA = 0.05


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


def mean_interval(x: ArrayLike) -> Interval | None:
    """Mean of the values present, with an unadjusted 95% t interval; None without any."""
    values = _present(x)
    n = len(values)
    if n == 0:
        return None
    mean = float(values.mean())
    if n == 1:
        return Interval(mean, None, None, 1)
    half = float(stats.t.isf(ALPHA / 2, n - 1)) * _sd(values) / n**0.5
    return Interval(mean, mean - half, mean + half, n)


def paired_difference(a: ArrayLike, b: ArrayLike) -> Difference | None:
    """Paired t of a - b over the seeds that both have; None if they share none."""
    d = _present(np.asarray(a, float) - np.asarray(b, float))
    interval = mean_interval(d)
    if interval is None:
        return None
    mean, low, high, n = interval.mean, interval.low, interval.high, interval.n
    if n == 1:
        return Difference(mean, low, high, n, None, None)
    return Difference(mean, low, high, n, _p(mean, _sd(d) / n**0.5, n - 1), _sd(d))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: compare each result with ALPHA itself."""
    order = np.argsort(ps, kind="stable")
    stepped = np.asarray(ps, float)[order] * np.arange(len(ps), 0, -1)
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted.tolist()


def groups(scores: Mapping[str, ArrayLike]) -> dict[str, str]:
    """Compact letter display, best mean first: two share a letter unless they are separated.

    Separated means: Holm p below ALPHA, over the paired t tests of all pairs.
    """
    labels = sorted(scores, key=lambda label: (-_present(scores[label]).mean(), label))
    pairs = list(combinations(range(len(labels)), 2))
    tests = [paired_difference(scores[labels[i]], scores[labels[j]]) for i, j in pairs]
    adjusted = holm([1.0 if test is None or test.p is None else test.p for test in tests])
    separated = [pair for pair, p in zip(pairs, adjusted, strict=True) if p < ALPHA]
    return dict(zip(labels, _letters(len(labels), separated), strict=True))


def minimum_detectable_difference(
    sd: float, n: int, alpha: float = ALPHA, power: float = 0.8
) -> float | None:
    """True mean difference that a paired t test of n pairs finds with this power; None if n < 2.

    Finding it with the wrong sign (probability below 1e-4 at 80% power) does not count.
    """
    if n < 2:
        return None
    critical = float(stats.t.isf(alpha / 2, n - 1))

    def lacking(shift: float) -> float:
        return float(stats.nct.sf(critical, n - 1, shift)) - power

    bracket = (0, 4 * (critical + 4))
    return optimize.root_scalar(lacking, bracket=bracket).root * sd / n**0.5


def image_standard_error(a: np.ndarray, b: np.ndarray) -> float | None:
    """Standard error, over test images, of the difference in mean accuracy of a and b.

    Both are bool (seeds, images): which images each run got right. None for a single image.
    """
    d = a.mean(axis=0) - b.mean(axis=0)
    return _sd(d) / len(d) ** 0.5 if len(d) > 1 else None


def _present(x: ArrayLike) -> np.ndarray:
    values = np.asarray(x, float)
    return values[~np.isnan(values)]


def _sd(values: np.ndarray) -> float:
    return float(values.std(ddof=1))


def _p(mean: float, error: float, df: int) -> float:
    if error == 0:
        return float(mean == 0)
    return 2 * float(stats.t.sf(abs(mean) / error, df))


def _letters(num: int, separated: Iterable[tuple[int, int]]) -> list[str]:
    """One letter per maximal set without a separated pair, by insert and absorb (Piepho 2004)."""
    sets = {frozenset(range(num))}
    for pair in separated:
        split = {s for s in sets if not s.issuperset(pair)}
        split |= {s - {i} for s in sets if s.issuperset(pair) for i in pair}
        sets = {s for s in split if not any(s < other for other in split)}
    ordered = sorted(sets, key=sorted)
    return [
        "".join(a for a, s in zip(ascii_letters, ordered, strict=False) if i in s)
        for i in range(num)
    ]
