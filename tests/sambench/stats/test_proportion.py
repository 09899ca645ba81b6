"""The exact interval of a proportion against scipy's, and in closed form."""

import pytest
from scipy import stats as scipy

from sambench import stats


@pytest.mark.parametrize(("count", "total"), [(0, 31), (1, 31), (3, 10), (31, 31), (200, 400)])
def test_it_equals_scipy(count: int, total: int):
    known = scipy.binomtest(count, total).proportion_ci(0.95, method="exact")
    assert stats.exact_interval(count, total) == pytest.approx((known.low, known.high), rel=1e-9)


def test_the_rule_of_three():
    low, high = stats.exact_interval(0, 100)
    assert low == 0 and high == pytest.approx(1 - 0.025 ** (1 / 100), rel=1e-14)


def test_nothing_of_nothing_says_nothing():
    assert stats.exact_interval(0, 0) == (0, 1)
