"""One arm over several tasks, against sums by hand and simulated tasks."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats as scipy

from sambench import stats
from sambench.stats import Contrast


def test_few_tasks_add_up_their_errors():
    """Of two equal variances with 9 degrees of freedom each, Welch's is 18."""
    found = stats.across([Contrast(0.02, 0.01, 9), Contrast(0.04, 0.01, 9)])
    half = scipy.t.ppf(0.975, 18) * sqrt(0.01**2 + 0.01**2) / 2
    assert (found.tasks, found.is_sample) == (2, False)
    assert found.difference == pytest.approx(0.03)
    assert (found.low, found.high) == pytest.approx((0.03 - half, 0.03 + half))


def test_unequal_errors_have_fewer_freedoms():
    found = stats.across([Contrast(0.0, 0.03, 9), Contrast(0.0, 0.01, 9)])
    freedom = int((9 + 1) ** 2 / (9**2 / 9 + 1 / 9))
    half = scipy.t.ppf(0.975, freedom) * sqrt(0.0009 + 0.0001) / 2
    assert found.high == pytest.approx(half)


def test_from_five_tasks_on_tasks_are_the_sample():
    values = [0.01, 0.03, -0.02, 0.0, 0.05]
    found = stats.across([Contrast(value, 0.001, 9) for value in values])
    known = scipy.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.is_sample and (found.low, found.high) == pytest.approx((known.low, known.high))


def test_what_does_not_vary_has_no_width():
    found = stats.across([Contrast(0.5, 0.0, 9)] * 2)
    assert (found.low, found.difference, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("tasks", "between"), [(3, 0.0), (6, 0.02)])
def test_intervals_cover(tasks: int, between: float):
    """Three fixed tasks by their errors alone, six by what varies between them."""
    rng, hits = np.random.default_rng(tasks), 0
    for _ in range(2000):
        truths = 0.01 + between * rng.normal(size=tasks)
        scale = np.sqrt(rng.chisquare(9, tasks) / 9)
        values = truths + 0.01 * rng.normal(size=tasks)
        found = stats.across([Contrast(*own, 9) for own in zip(values, 0.01 * scale, strict=True)])
        hits += found.low <= 0.01 <= found.high
    assert 0.93 <= hits / 2000 <= 0.97
