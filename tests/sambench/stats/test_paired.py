"""Means over paired seeds, compared as tuned arms are: the paired t test."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats as scipy

from sambench import stats
from sambench.stats import claims

RNG = np.random.default_rng(0)
A, B = (dict(enumerate(RNG.normal(m, 0.01, 10).tolist())) for m in (0.95, 0.94))


def test_a_difference_is_a_paired_t_test():
    found = claims.contrast(stats.seed_mean(A), stats.seed_mean(B), stats.searches(10))
    known = scipy.ttest_rel(list(A.values()), list(B.values()))
    interval = known.confidence_interval(0.95)
    assert found.freedom == 9
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 7])
def test_the_error_of_a_mean(n: int):
    own = {j: A[j] for j in range(n)}
    found = stats.seed_mean(own)
    assert float(found.score) == pytest.approx(np.mean(list(own.values())))
    assert found.error == pytest.approx(scipy.sem(list(own.values())))
    assert claims.freedom(stats.searches(n)) == n - 1


def test_means_of_fractions_are_exact():
    scores = {j: Fraction(500 + j, 600) for j in range(3)}
    assert stats.seed_mean(scores).score == Fraction(501, 600)


def test_a_seed_that_one_arm_lacks_pairs_nothing():
    few = {j: x for j, x in A.items() if j != 3}
    found = claims.contrast(stats.seed_mean(few), stats.seed_mean(few), stats.searches(9))
    assert found.error == 0
    apart = stats.seed_mean(few).error_against(stats.seed_mean(A))
    assert apart > abs(stats.seed_mean(A).influence[3])
