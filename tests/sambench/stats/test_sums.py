"""Sums that no machine rounds in its own way."""

from fractions import Fraction
from statistics import fmean, variance

import numpy as np
import pytest

from sambench import stats
from sambench.stats import sums


def test_counts_over_counts_are_found():
    counts = np.random.default_rng(0).integers(0, 601, (3, 8))
    for of in (400, 600, 10_000):
        numerators, found = sums.whole(counts / of)
        assert of % found == 0 and (numerators * (of // found) == counts).all()
    mixed, of = sums.whole([1 / 3, np.nan, 0.25])
    assert of == 12 and mixed[[0, 2]].tolist() == [4, 3] and np.isnan(mixed[1])


def test_what_is_no_count_stays():
    values = np.random.default_rng(0).random(5)
    found, of = sums.whole(values)
    assert of == 1 and found.tolist() == values.tolist()


def test_integers_are_exact_whatever_the_values():
    values = [0.1, 2.0**-70, 0.75, 1 / 3]
    found, of = sums.integers(values)
    assert [Fraction(int(x), of) for x in found] == [Fraction(x) for x in values]


def test_means_are_rounded_once():
    draw = np.random.default_rng(1)
    for num in (3, 7, 10, 1000):
        counts = draw.integers(500, 600, num)
        exact = Fraction(int(counts.sum()), 600 * num)
        assert stats.mean(counts / 600) == float(exact)


def test_moments_equal_the_statistics_module():
    values = np.random.default_rng(2).random(9)
    n, mean, spread = sums.moments(values)
    assert n == 9 and mean == pytest.approx(fmean(values))
    assert spread == pytest.approx(variance(values.tolist()))
    counts = np.array([548, 550, 551]) / 600
    exact = variance([Fraction(548, 600), Fraction(550, 600), Fraction(551, 600)])
    assert stats.deviation(counts) == float(exact) ** 0.5


def test_the_order_of_a_sum_is_its_own():
    x = np.random.default_rng(3).random((4, 7))
    by_hand = [((a + e) + (c + g)) + ((b + f) + d) for a, b, c, d, e, f, g in x.tolist()]
    assert sums.total(x).tolist() == pytest.approx(by_hand, rel=1e-15)
    assert sums.total(np.empty((2, 0))).tolist() == [0, 0]
