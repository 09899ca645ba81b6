"""What may be said of tuned arms: who beats the baseline, who is not separated, what to use.

Rule 7 of the protocol. Differences are in the scores' own unit, the higher the better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import sqrt

from sambench.stats import student
from sambench.stats.multiple import holm, letters, rejected
from sambench.stats.student import ALPHA
from sambench.stats.tuned import Score, Tuned

POWER = 0.8
MANY = 1000
"""More searches than anybody would run to decide."""
Searches = int | Fraction
"""That the pools are as large as; of paired seeds, which are compared alike, half their number."""


@dataclass(frozen=True)
class Contrast:
    """The difference between two arms: an estimate, its standard error and freedom."""

    difference: float
    error: float
    freedom: int

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95%, for this difference alone."""
        half = student.exceeded(ALPHA / 2, self.freedom) * self.error
        return self.difference - half, self.difference + half

    @property
    def t(self) -> float:
        """The difference in standard errors; 0 where nothing varies: that is a tie."""
        return self.difference / self.error if self.error else 0.0

    @property
    def p_above(self) -> float:
        """One-sided, of "not above 0"; 1 where nothing varies."""
        return student.above(self.t, self.freedom) if self.error else 1.0

    @property
    def p(self) -> float:
        """Two-sided, of "no difference"; 1 where nothing varies."""
        return 2 * student.above(abs(self.t), self.freedom) if self.error else 1.0


def freedom(searches: Searches) -> int:
    """Two for each search but one."""
    return int(2 * searches) - 1


def contrast(a: Tuned, b: Tuned, searches: Searches) -> Contrast:
    """a - b, with the freedom of the searches that the pools are as large as."""
    return Contrast(float(a.score - b.score), a.error_against(b), freedom(searches))


def beats(
    arms: Mapping[str, Tuned], baselines: Sequence[str], searches: Searches
) -> dict[str, float]:
    """Holm's p, over all other arms, of "does not beat every baseline"; at ALPHA / 2, one-sided.

    Of each arm the largest p over the baselines counts (an intersection-union test).
    """
    rivals = [label for label in arms if label not in baselines]
    worst = [
        max(contrast(arms[label], arms[base], searches).p_above for base in baselines)
        for label in rivals
    ]
    return dict(zip(rivals, holm(worst), strict=True))


def groups(arms: Mapping[str, Tuned], searches: Searches, alpha: float = ALPHA) -> dict[str, str]:
    """Compact letter display, the best first: who shares a letter is not separated.

    Separated means: Holm's two-sided p below alpha, over all pairs.
    """
    order = sorted(arms, key=lambda label: (-arms[label].score, label))
    found = {
        (i, j): contrast(arms[order[i]], arms[order[j]], searches)
        for i, j in combinations(range(len(order)), 2)
    }
    pairs = sorted(found, key=lambda pair: -abs(found[pair].t))  # by p, of equal freedom
    num = rejected(lambda rank: found[pairs[rank]].p, len(pairs), alpha)
    return dict(zip(order, letters(len(order), sorted(pairs[:num])), strict=True))


def detectable(error: float, searches: Searches, variants: int, alpha: float = ALPHA) -> float:
    """The true difference that a study of so many variants finds in 80% of its repetitions."""
    df = freedom(searches)
    found = student.exceeded(alpha / 2 / variants, df)
    return (found + student.exceeded(1 - POWER, df)) * error


@dataclass(frozen=True)
class Recommendation:
    """The arm to use, or how many searches would tell."""

    label: str | None
    searches: int | None
    """that would decide; None where it is decided, or where more than `MANY` would be needed"""


def recommend(
    arms: Mapping[str, Tuned],
    costs: Mapping[str, Score],
    searches: Searches,
    margin: float,
    alpha: float = ALPHA,
) -> Recommendation:
    """The cheapest of the arms that no other may exceed by more than the margin.

    costs: of one run; margin: in the unit of the scores

    An arm qualifies if the upper end of the 1 - alpha interval of every other's lead over it is
    within the margin. Equally cheap ones go by their score.
    """

    def qualified(size: Searches) -> list[str]:
        return [
            a
            for a in arms
            if all(_lead(arms[b], arms[a], searches, size, alpha) <= margin for b in arms if b != a)
        ]

    if good := qualified(searches):
        best = min(good, key=lambda label: (costs[label], -arms[label].score, label))
        return Recommendation(best, None)
    low, high = searches, 2 * searches
    while not qualified(high):
        low, high = high, 2 * high
        if low > MANY:
            return Recommendation(None, None)
    while high - low > 1:  # more searches only narrow the intervals
        middle = (low + high) // 2
        low, high = (low, middle) if qualified(middle) else (middle, high)
    return Recommendation(None, int(high))


def _lead(b: Tuned, a: Tuned, searches: Searches, size: Searches, alpha: float) -> float:
    """The most by which b may exceed a, were the pools as large as `size` searches."""
    error = b.error_against(a) * sqrt(searches / size)
    return float(b.score - a.score) + student.exceeded(alpha / 2, freedom(size)) * error


def searches_to_separate(error: float, searches: Searches, difference: float) -> int | None:
    """How many searches would separate a pair that differs by so much, at the error of now.

    With 80% power at 5%, unadjusted. None where more than `MANY` would be needed.
    """
    for size in range(2, MANY):
        df = freedom(size)
        t = student.exceeded(ALPHA / 2, df) + student.exceeded(1 - POWER, df)
        if t * error * sqrt(searches / size) <= difference:
            return size
    return None
