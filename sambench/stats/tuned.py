"""What tuning with k random points and retraining the winner is worth, and how sure that is.

Rules 5 and 6 of the protocol: the expected test score of the winner of k points, over all searches
that a pool contains (Dodge et al. 2019, arXiv:1909.03004; Tang et al. 2020, arXiv:2004.13705, on
the biased form), and its delete-one jackknife over points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from math import ceil, floor, fsum, lcm, sqrt
from operator import add

import numpy as np

from sambench.stats.ranking import Ranking, weights
from sambench.stats.sums import total

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
        return sqrt(total(self._moved * self._moved))

    def towards(self, other: "Tuned", share: Score) -> "Tuned":
        """The same arm's, a share of the way to another k."""
        part, points = float(share), self.influence
        moved = {i: u + part * (other.influence[i] - u) for i, u in points.items()}
        return Tuned(self.score + share * (other.score - self.score), moved)

    def error_against(self, other: "Tuned") -> float:
        """Standard error of the difference from another arm, paired by the points that both have.

        A point that an arm lacks moves it by 0.
        """
        short, apart = sorted((self._moved, other._moved), key=len)
        apart = apart.copy()
        apart[: len(short)] -= short
        return sqrt(total(apart * apart))

    @cached_property
    def _moved(self) -> np.ndarray:
        """How far each point moves the score, at the place of its number."""
        moved = np.zeros(max(self.influence, default=-1) + 1)
        moved[list(self.influence)] = list(self.influence.values())
        return moved


def tuned(ranking: Ranking, scores: Sequence[Score | None], k: Score) -> Tuned | None:
    """Of an arm whose first ranks were retrained; linear between whole k.

    scores: the mean test score of each confirmed rank's reruns; None where all of them diverged
    k: points of a search, at least 1 and fewer than the pool has

    The score is exact. None if no rank has a score, or none without some point.
    """
    low = _tuned(ranking, scores, floor(k))
    if low is None or k == floor(k):
        return low
    high = _tuned(ranking, scores, ceil(k))
    return high and low.towards(high, k - floor(k))


def _tuned(ranking: Ranking, scores: Sequence[Score | None], k: int) -> Tuned | None:
    exact = [(0, 1) if score is None else score.as_integer_ratio() for score in scores]
    of = lcm(*{denominator for _, denominator in exact})
    values = [numerator * (of // denominator) for numerator, denominator in exact]
    tops = _sums(ranking, values, k)
    bottoms = _sums(ranking, [int(score is not None) for score in scores], k)
    if not all(bottoms):
        return None
    without = [top / (bottom * of) for top, bottom in zip(tops[1:], bottoms[1:], strict=True)]
    n = len(without)
    middle, factor = fsum(without) / n, sqrt((n - 1) / n)
    apart = (factor * (np.array(without) - middle)).tolist()
    return Tuned(Fraction(tops[0], bottoms[0] * of), dict(zip(ranking.points, apart, strict=True)))


def shares(ranking: Ranking, known: Sequence[bool], k: Score) -> list[float]:
    """What part of tuned(k) each confirmed rank is; they sum to 1.

    known: whether the rank has a score
    """
    low, low_of = _shares(ranking, known, floor(k))
    high, high_of = _shares(ranking, known, ceil(k))
    part = Fraction(k) - floor(k)
    more, of = part.numerator, part.denominator
    first, second, total = (of - more) * high_of, more * low_of, of * low_of * high_of
    return [(a * first + b * second) / total for a, b in zip(low, high, strict=True)]


def _shares(ranking: Ranking, known: Sequence[bool], k: int) -> tuple[list[int], int]:
    """In whole numbers, and their sum."""
    below, spans = _below(len(ranking.points), k), _spans(ranking, len(known))
    common = lcm(*{num for *_, num in spans})
    held = [
        weight
        for start, end, num in spans
        for weight in [(below[end] - below[start]) * (common // num)] * num
    ]
    kept = [weight if there else 0 for weight, there in zip(held, known, strict=True)]
    return kept, sum(kept)


def _sums(ranking: Ranking, values: Sequence[int], k: int) -> list[int]:
    """Weighted sums of the confirmed ranks' values: of the whole pool, and without each rank.

    In integers, all times one number that ranking and k decide. A block of equal scores gives its
    weight in equal parts to its confirmed members. Who drops out makes nobody else confirmed.
    """
    n, spans = len(ranking.points), _spans(ranking, len(values))
    common = lcm(*{size for *_, num in spans for size in (num, num - 1) if size})
    whole, fewer = _below(n, k), _below(n - 1, k)
    totals = [sum(values[start : start + num]) for start, _, num in spans]
    means = [total * (common // num) for total, (*_, num) in zip(totals, spans, strict=True)]
    parts = list(zip(spans, means, strict=True))
    stay = [(fewer[end] - fewer[start]) * mean for (start, end, _), mean in parts if end < n]
    move = [(fewer[end - 1] - fewer[start - 1]) * mean for (start, end, _), mean in parts[1:]]
    found = [sum((whole[end] - whole[start]) * mean for (start, end, _), mean in parts)]
    before, after = accumulate(stay, initial=0), accumulate(reversed(move), initial=0)
    rests = map(add, before, reversed([*after]))
    for (start, end, num), whole_sum, rest in zip(spans, totals, rests, strict=False):
        weight = fewer[end - 1] - fewer[start]
        part = weight * (common // (num - 1)) if num > 1 else 0
        found += [rest + part * (whole_sum - own) for own in values[start : start + num]]
        found += [rest + weight * (common // num) * whole_sum] * (end - start - num)
    return found + [sum(stay)] * (n + 1 - len(found))


def _spans(ranking: Ranking, confirmed: int) -> list[tuple[int, int, int]]:
    """Of each block of equal scores: first rank, one past the last, number of confirmed members."""
    edges = pairwise(accumulate(ranking.blocks, initial=0))
    return [(s, e, min(e, confirmed) - s) for s, e in edges if s < confirmed]


@lru_cache(maxsize=4096)
def _below(n: int, k: int) -> tuple[int, ...]:
    """Weight of all ranks before each, and of all of them."""
    return tuple(accumulate(weights(n, k), initial=0))
