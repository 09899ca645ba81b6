"""What tuning with k random points and retraining the winner is worth, and how sure that is.

Rules 5 and 6 of the protocol: the expected test score of the winner of k points, over all searches
that a pool contains (Dodge et al. 2019, arXiv:1909.03004; Tang et al. 2020, arXiv:2004.13705, on
the biased form), and its delete-one jackknife over points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor, lcm, sqrt

import numpy as np

from sambench.stats.ranking import Ranking, weights

Score = Fraction | float


@dataclass(frozen=True)
class Tuned:
    """tuned(k) of an arm, and how far each point of its pool moves it."""

    score: Score
    influence: dict[int, float]
    """by point; the squared standard error is the sum of their squares"""

    @property
    def error(self) -> float:
        """Standard error of the score."""
        return sqrt(sum(u * u for u in self.influence.values()))

    def towards(self, other: "Tuned", share: Score) -> "Tuned":
        """The same arm's, a share of the way to another k."""
        part, points = float(share), self.influence
        moved = {i: u + part * (other.influence[i] - u) for i, u in points.items()}
        return Tuned(self.score + share * (other.score - self.score), moved)

    def error_against(self, other: "Tuned") -> float:
        """Standard error of the difference from another arm, paired by the points that both have.

        A point that an arm lacks moves it by 0.
        """
        mine, theirs = self.influence, other.influence
        points = sorted(mine.keys() | theirs.keys())
        return sqrt(sum((mine.get(i, 0.0) - theirs.get(i, 0.0)) ** 2 for i in points))


def tuned(ranking: Ranking, scores: Sequence[Score | None], k: Score) -> Tuned | None:
    """Of an arm whose first ranks were retrained; linear between whole k.

    scores: the mean test score of each confirmed rank's reruns; None where all of them diverged
    k: points of a search, at least 1 and fewer than the pool has

    Exact where the scores are fractions. None if no rank has a score, or none without some point.
    """
    low = _tuned(ranking, scores, floor(k))
    if low is None or k == floor(k):
        return low
    high = _tuned(ranking, scores, ceil(k))
    return high and low.towards(high, k - floor(k))


def _tuned(ranking: Ranking, scores: Sequence[Score | None], k: int) -> Tuned | None:
    if not any(score is not None for score in scores):
        return None
    found = _each(ranking, scores, k)
    if found is None:
        return None
    score, *without = found
    n = len(without)
    middle = sum(without) / n
    factor = sqrt((n - 1) / n)
    apart = [factor * float(theta - middle) for theta in without]
    return Tuned(score, dict(zip(ranking.points, apart, strict=True)))


def _each(ranking: Ranking, scores: Sequence[Score | None], k: int) -> list[Score] | None:
    """tuned(k), then what it is without the point of each rank; None if one has no score."""
    rows = _rows(ranking.blocks, len(ranking.points), len(scores), k)
    known = [score is not None for score in scores]
    exact = all(isinstance(score, Fraction) for score in scores if score is not None)
    if exact:
        of = lcm(*(s.denominator for s in scores if isinstance(s, Fraction)))
        values = np.array([int(s * of) if s is not None else 0 for s in scores], object)
    else:
        rows, of = rows.astype(float), 1
        values = np.array([0.0 if s is None else float(s) for s in scores])
    tops, bottoms = rows @ values, rows @ np.array(known, rows.dtype)
    if not bottoms.all():
        return None
    pairs = zip(tops.tolist(), bottoms.tolist(), strict=True)
    return [Fraction(top, bottom * of) if exact else top / bottom for top, bottom in pairs]


@lru_cache(maxsize=4096)
def _rows(blocks: tuple[int, ...], n: int, confirmed: int, k: int) -> np.ndarray:
    """Weights of the confirmed ranks, as integers: of the whole pool, and without each rank.

    (1 + n, confirmed). A block of equal scores gives its weight in equal parts to its confirmed
    members. Who drops out makes nobody else confirmed.
    """
    edges = [end for end in accumulate(blocks, initial=0) if end < confirmed]
    ends = [*edges[1:], edges[-1] + blocks[len(edges) - 1]]
    members = [min(end, confirmed) - start for start, end in zip(edges, ends, strict=True)]
    common = lcm(*members, *(num - 1 for num in members if num > 1))
    rows = np.zeros((1 + n, confirmed), object)
    for row, gone in enumerate((n, *range(n))):  # the first drops nobody
        below = list(accumulate(weights(n - (gone < n), k), initial=0))
        for start, end, num in zip(edges, ends, members, strict=True):
            weight = below[end - (gone < end)] - below[start - (gone < start)]
            inside = start <= gone < start + num
            if num > inside:
                rows[row, start : start + num] = weight * (common // (num - inside))
        if gone < confirmed:
            rows[row, gone] = 0
    return rows


def shares(ranking: Ranking, known: Sequence[bool], k: Score) -> list[float]:
    """What part of tuned(k) each confirmed rank is; they sum to 1.

    known: whether the rank has a score
    """
    low, high = (_shares(ranking, known, whole) for whole in (floor(k), ceil(k)))
    part = k - floor(k)
    return [float(a + part * (b - a)) for a, b in zip(low, high, strict=True)]


def _shares(ranking: Ranking, known: Sequence[bool], k: int) -> list[Fraction]:
    row = _rows(ranking.blocks, len(ranking.points), len(known), k)[0].tolist()
    held = [w if there else 0 for w, there in zip(row, known, strict=True)]
    return [Fraction(w, sum(held)) for w in held]
