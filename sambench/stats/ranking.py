"""A pool of random points by validation score: how likely a search of k of them picks each.

Rules 3 and 4 of the protocol. Ranks count from 0, the best; the winner of k points drawn without
replacement from N has rank r with probability C(N - 1 - r, k - 1) / C(N, k).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import comb, floor, inf
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from sambench.errors import UserError

LEFT_OUT = Fraction(1, 100)
"""The most weight of the ranks that are not confirmed."""

RERUNS = 6
"""Reruns of a rank, in units of how often it wins one of the pool's searches."""


RANKED_FROM = 3
"""Trials; at fewer, intervals cover 71 to 95%."""


def afforded(budget: float, passes: float, length: Fraction) -> Fraction:
    """Trials that a budget in full runs of the baseline affords (rule 2).

    passes: counted gradient evaluations a step; length: of the schedule, the baseline's being 1
    """
    return Fraction(repr(float(budget))) / (Fraction(repr(float(passes))) * length)


def counted_passes(evaluations: ArrayLike, steps: ArrayLike, declared: float) -> float:
    """Gradient evaluations a step of the median run, the lower of two; `declared` without any.

    evaluations, steps: of each complete run
    """
    counted, steps = np.asarray(evaluations, float), np.asarray(steps)
    known = (steps > 0) & (counted > 0) & (counted < inf)
    found = np.sort(counted[known] / steps[known])
    return float(found[(len(found) - 1) // 2]) if len(found) else declared


def smallest_shown(trials: Iterable[Fraction], own: Fraction) -> int:
    """The fewest trials at which an arm is shown: those of the dearest arm that is ranked.

    trials: that the arms of a study afford; own: those of this arm, which may not be ranked
    """
    return floor(min([*(k for k in trials if k >= RANKED_FROM), own]))


@dataclass(frozen=True)
class Ranking:
    """Points in order. Diverged ones come last; equal scores stand in order of their index."""

    points: tuple[int, ...]
    blocks: tuple[int, ...]
    """how many points share each score, the best first; diverged points are in none"""

    @classmethod
    def of(cls, validation: Mapping[int, float | None]) -> Self:
        """Of every point's validation score, the higher the better; None where it diverged."""
        points = np.array([*validation], np.int64)
        scores = np.array([*validation.values()], float)  # None is NaN, which sorts last
        order = np.lexsort((points, -scores))
        ranked = scores[order][: np.count_nonzero(~np.isnan(scores))]
        edges = np.flatnonzero(np.diff(ranked)) + 1
        blocks = np.diff(edges, prepend=0, append=len(ranked)) if len(ranked) else edges
        return cls(tuple(points[order].tolist()), tuple(blocks.tolist()))

    @property
    def survivors(self) -> int:
        return sum(self.blocks)

    def all_diverge(self, k: int) -> Fraction:
        """The chance that a search of k points has no survivor."""
        return Fraction(comb(len(self.points) - self.survivors, k), comb(len(self.points), k))

    def confirmed(self, k: int) -> int:
        """The fewest best ranks that leave out at most 1% of the weight at k."""
        held = list(accumulate(weights(len(self.points), k)[: self.survivors]))
        return bisect_left(held, (1 - LEFT_OUT) * held[-1]) + 1 if held else 0

    def reruns(self, k: Fraction | int, searches: int, smallest: int) -> tuple[int, ...]:
        """How often each confirmed rank is retrained; none where k affords no trial.

        k: of the searches that the reruns are for, of which whole trials count, and no more than
            there are points: a run may cost less than it declares
        smallest: the smallest k that is shown
        """
        n = len(self.points)
        whole = min(floor(k), n)
        if whole < 1:
            return ()
        return _reruns(n, whole, searches, self.confirmed(min(whole, smallest)))


@lru_cache(maxsize=4096)
def weights(n: int, k: int) -> tuple[int, ...]:
    """Of every rank, in ways to draw k of n points; they sum to C(n, k)."""
    if not 1 <= k <= n:
        raise UserError(f"a search takes 1 to {n} of {n} points, got {k}")
    return tuple(comb(n - 1 - rank, k - 1) for rank in range(n))


@lru_cache(maxsize=4096)
def _reruns(n: int, k: int, searches: int, confirmed: int) -> tuple[int, ...]:
    total = comb(n, k)
    shares = (Fraction(RERUNS * searches * w, total) for w in weights(n, k)[:confirmed])
    return tuple(max(1, round(share)) for share in shares)
