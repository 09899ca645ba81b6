"""Sums that no machine rounds in its own way."""

from fractions import Fraction
from statistics import variance

import numpy as np
import pytest

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


def test_mean_and_variance_of_counts_are_rounded_once():
    counts = np.array([548, 550, 551])
    exact = variance([Fraction(int(count), 600) for count in counts])
    sums_ = (float(counts.sum()), float((counts**2).sum()))
    mean, spread = sums.mean_and_variance(np.array(3), *map(np.array, sums_), of=600)
    assert mean == float(Fraction(int(counts.sum()), 1800)) and spread == float(exact)


def test_the_order_of_a_sum_is_its_own():
    x = np.random.default_rng(3).random((4, 7))
    by_hand = [((a + e) + (c + g)) + ((b + f) + d) for a, b, c, d, e, f, g in x.tolist()]
    assert sums.total(x).tolist() == pytest.approx(by_hand, rel=1e-15)
    assert sums.total(np.empty((2, 0))).tolist() == [0, 0]
