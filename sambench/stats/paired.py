"""Means over paired seeds, in the form in which tuned arms are compared (rule 8).

A mean of n scores moves by u_j = (x_j - mean) / sqrt(n (n - 1)) with seed j. Then the squared error
of a difference, sum_j (u_aj - u_bj)^2, and n - 1 degrees of freedom are those of the paired t test.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import lcm, sqrt

from sambench.stats.tuned import Score, Tuned


def seed_mean(scores: Mapping[int, Score]) -> Tuned:
    """Of two scores or more, by seed; exact."""
    n, exact = len(scores), [score.as_integer_ratio() for score in scores.values()]
    of = lcm(*{denominator for _, denominator in exact})
    tops = [numerator * (of // denominator) for numerator, denominator in exact]
    total, scale = sum(tops), sqrt(n * (n - 1))
    moved = ((n * top - total) / (n * of) / scale for top in tops)
    return Tuned(Fraction(total, n * of), dict(zip(scores, moved, strict=True)))


def searches(seeds: int) -> Fraction:
    """As many searches have n - 1 degrees of freedom."""
    return Fraction(seeds, 2)
