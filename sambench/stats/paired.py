"""Means over paired seeds, in the form in which tuned arms are compared (rule 8).

A mean of n scores moves by u_j = (x_j - mean) / sqrt(n (n - 1)) with seed j. Then the squared error
of a difference, sum_j (u_aj - u_bj)^2, and n - 1 degrees of freedom are those of the paired t test.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import sqrt

from sambench.stats.tuned import Score, Tuned


def seed_mean(scores: Mapping[int, Score]) -> Tuned:
    """Of two scores or more, by seed: exact where they are fractions."""
    n = len(scores)
    mean = sum(scores.values(), Fraction()) / n
    scale = sqrt(n * (n - 1))
    return Tuned(mean, {j: float(x - mean) / scale for j, x in scores.items()})


def searches(seeds: int) -> Fraction:
    """As many searches have n - 1 degrees of freedom."""
    return Fraction(seeds, 2)
