"""Quantiles and tails of t: against scipy, and their known digits."""

import numpy as np
import pytest
from scipy import special
from scipy import stats as scipy_stats

from sambench.stats import student


def test_critical_values_are_the_nearest_doubles():
    """The first is tan(0.475 pi), the second 0.95 sqrt(2 / (1 - 0.95^2))."""
    assert student.critical([1, 2]).tolist() == [12.706204736174705, 4.302652729749464]
    freedom = np.array([[0, 3], [9, 2499]])
    known = -special.stdtrit(freedom, 0.025)
    assert student.critical(freedom) == pytest.approx(known, rel=1e-13, nan_ok=True)
    assert np.isnan(student.critical(0))


@pytest.mark.parametrize("freedom", [1, 4, 9, 99, 9999])
def test_tails_equal_scipy(freedom: int):
    for t in (0.0, 1e-3, 0.7, -3.0, 20.0):
        known = scipy_stats.t.sf(t, freedom)
        assert student.above(t, freedom) == pytest.approx(known, rel=1e-12)
        assert t <= 0 or student.exceeded(known, freedom) == pytest.approx(t, rel=1e-9)


def test_the_t_of_two_degrees_in_closed_form():
    for t in (0.3, 1.0, 7.0):
        known = (1 - t / (2 + t * t) ** 0.5) / 2
        assert student.above(t, 2) == pytest.approx(known, rel=1e-14)
