"""Kendall's tau by counting pairs, its jackknife by the definition."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from sambench.stats import mean_of, rank_correlation


def counted(x: np.ndarray, y: np.ndarray) -> float:
    """tau-b."""
    pairs = list(combinations(range(len(x)), 2))
    a = np.array([np.sign(x[i] - x[j]) for i, j in pairs])
    b = np.array([np.sign(y[i] - y[j]) for i, j in pairs])
    return float((a * b).sum() / sqrt((a != 0).sum() * (b != 0).sum()))


def test_tau_and_its_jackknife_over_points():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 6, 15).astype(float), random.normal(size=15)
    points = np.repeat(np.arange(5), 3)
    found = rank_correlation(x, y, points)
    assert found is not None and found.score == pytest.approx(counted(x, y), rel=1e-12)
    without = np.array([counted(x[points != i], y[points != i]) for i in range(5)])
    wanted = sqrt(4 / 5 * ((without - without.mean()) ** 2).sum())
    assert found.error == pytest.approx(wanted, rel=1e-12)


def test_nothing_varies():
    points = np.arange(8)
    assert rank_correlation(np.ones(8), points.astype(float), points) is None
    assert rank_correlation(points.astype(float), points.astype(float), points % 2) is None


def test_the_mean_of_two_arms_shares_points():
    random = np.random.default_rng(1)
    both = []
    for _ in range(2):
        x, y, points = random.normal(size=9), random.normal(size=9), np.arange(9)
        found = rank_correlation(x, y, points)
        assert found is not None
        both.append(found)
    mean = mean_of(both)
    assert mean.score == pytest.approx((both[0].score + both[1].score) / 2)
    moved = [(both[0].influence[i] + both[1].influence[i]) / 2 for i in range(9)]
    assert mean.error == pytest.approx(sqrt(sum(by * by for by in moved)))
