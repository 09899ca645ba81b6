"""Quantiles, tails and power of t: against scipy, and their known digits."""

import numpy as np
import pytest
from scipy import special
from scipy import stats as scipy_stats

from sambench.stats import power, student


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
        known = 2 * scipy_stats.t.sf(abs(t), freedom)
        assert student.two_sided(t, freedom) == pytest.approx(known, rel=1e-12)


def test_the_t_of_two_degrees_in_closed_form():
    for t in (0.3, 1.0, 7.0):
        assert student.two_sided(t, 2) == pytest.approx(1 - t / (2 + t * t) ** 0.5, rel=1e-14)


@pytest.mark.parametrize(("freedom", "alpha"), [(4, 0.05), (9, 0.05 / 9), (2499, 0.05)])
def test_power_equals_scipy(freedom: int, alpha: float):
    critical = float(student.critical(freedom, alpha))
    shift = power.detectable_shift(freedom, critical, 0.8)
    assert scipy_stats.nct.sf(critical, freedom, shift) == pytest.approx(0.8, abs=1e-9)
