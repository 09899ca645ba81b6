"""Paired t against scipy and statsmodels, and the cases those leave to the caller."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower

from sambench import stats

RNG = np.random.default_rng(0)
A, B = RNG.normal(0.95, 0.01, 10), RNG.normal(0.94, 0.01, 10)


def test_interval_equals_scipy():
    found = stats.mean_interval(A)
    low, high = scipy_stats.t.interval(0.95, 9, loc=A.mean(), scale=scipy_stats.sem(A))
    assert found and (found.mean, found.low, found.high) == pytest.approx((A.mean(), low, high))


def test_paired_difference_equals_scipy():
    found, known = stats.paired_difference(A, B), scipy_stats.ttest_rel(A, B)
    assert found and found.p == pytest.approx(known.pvalue, rel=1e-10)
    interval = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_missing_seeds_leave_their_pair():
    a, b = A.copy(), B.copy()
    a[0], b[3] = np.nan, np.nan
    kept = [1, 2, 4, 5, 6, 7, 8, 9]
    assert stats.paired_difference(a, b) == stats.paired_difference(A[kept], B[kept])


def test_too_few_seeds_leave_gaps_not_nans():
    assert stats.mean_interval([np.nan]) is None
    assert stats.paired_difference([0.9, np.nan], [np.nan, 0.9]) is None
    assert stats.mean_interval([0.9]) == stats.Interval(0.9, None, None, 1)
    assert stats.paired_difference([0.75], [0.5]) == stats.Difference(
        0.25, None, None, 1, p=None, sd=None
    )


def test_no_spread():
    """Identical runs differ by nothing; a constant gain is certain."""
    same = stats.paired_difference(A, A)
    assert same == stats.Difference(0, 0, 0, 10, p=1, sd=0)
    gain = stats.paired_difference([0.75] * 5, [0.5] * 5)
    assert gain == stats.Difference(0.25, 0.25, 0.25, 5, p=0, sd=0)


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_detectable_difference_equals_statsmodels(n: int, power: float):
    known = TTestPower().solve_power(nobs=n, alpha=0.05, power=power)
    assert stats.minimum_detectable_difference(0.02, n, power=power) == pytest.approx(
        0.02 * known, rel=1e-5
    )


def test_detectable_difference_is_detected_that_often():
    size = stats.minimum_detectable_difference(0.01, 8, alpha=0.01)
    assert size is not None
    draws = np.random.default_rng(1).normal(size, 0.01, (20_000, 8))
    ps = scipy_stats.ttest_rel(draws, np.zeros_like(draws), axis=1)[1]
    assert np.mean(ps < 0.01) == pytest.approx(0.8, abs=0.01)


def test_detectable_difference_at_the_limits():
    assert stats.minimum_detectable_difference(0.01, 1) is None
    assert stats.minimum_detectable_difference(0.0, 10) == 0


def test_test_set_error_matches_redrawn_test_sets():
    rng = np.random.default_rng(2)
    hard = rng.uniform(size=4000)
    a, b = (
        np.array([hard + rng.normal(0, 0.2, 4000) < cut for _ in range(3)]) for cut in (0.9, 0.8)
    )
    d = a.mean(0) - b.mean(0)
    means = [d[rng.integers(0, 4000, 4000)].mean() for _ in range(2000)]
    assert stats.image_standard_error(a, b) == pytest.approx(np.std(means), rel=0.05)
    assert stats.image_standard_error(a, a) == 0
    assert stats.image_standard_error(a[:, :1], b[:, :1]) is None
