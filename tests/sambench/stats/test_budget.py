"""Expected best of n trials: against enumeration, and which of U and V is biased."""

from fractions import Fraction
from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from sambench import stats
from sambench.stats import budget

SCORES = np.array([0.3, 0.91, 0.0, 0.85, 0.85, 0.9])


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_both_equal_enumeration(n: int):
    u = np.mean([max(drawn) for drawn in combinations(SCORES, n)])
    v = np.mean([max(drawn) for drawn in product(SCORES, repeat=n)])
    assert stats.expected_best(SCORES, n) == pytest.approx([u])
    assert stats.expected_best(SCORES, n, replace=True) == pytest.approx([v])


def test_expectations_are_rounded_once():
    draw = np.random.default_rng(0)
    for num in (8, 16, 41):
        counts = np.sort(draw.integers(100, 300, num)).tolist()
        found = [stats.expected_best(np.array(counts) / 400, 3, r)[0] for r in (False, True)]
        u = Fraction(sum(c * comb(i, 2) for i, c in enumerate(counts)), 400 * comb(num, 3))
        v = sum(c * Fraction((i + 1) ** 3 - i**3, num**3) for i, c in enumerate(counts)) / 400
        assert found == [float(u), float(v)]


def test_few_and_many_trials_agree(monkeypatch: pytest.MonkeyPatch):
    scores, n = np.random.default_rng(5).random(40), np.array([1, 2, 5, 10, 40])
    exact = [stats.expected_best(scores, n, r) for r in (False, True)]
    low, high = stats.expected_best_interval(scores, n[:4])
    budget._weights.cache_clear()
    monkeypatch.setattr(budget, "EXACT", 0)
    try:
        for r in (False, True):
            assert stats.expected_best(scores, n, r) == pytest.approx(exact[r], rel=1e-13)
        found = stats.expected_best_interval(scores, n[:4])
        assert found[0] == pytest.approx(low, rel=1e-11)
        assert found[1] == pytest.approx(high, rel=1e-11)
    finally:
        budget._weights.cache_clear()


def test_many_trials_overflow_nothing():
    scores = np.random.default_rng(0).uniform(size=100_000)
    assert stats.expected_best(scores, [1, 9, 100_000]) == pytest.approx(
        [scores.mean(), 0.9, scores.max()], abs=0.005
    )


def test_sizes_out_of_range():
    with pytest.raises(ValueError, match="between 1 and the 6 trials, got n=7"):
        stats.expected_best(SCORES, 7)


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Search scores, a tenth of them diverged."""
    scores = 0.9 - 0.3 * rng.beta(1.2, 3, shape)
    return np.where(rng.random(shape) < 0.1, 0.1, scores)


def test_u_is_unbiased_and_v_is_not():
    rng, n = np.random.default_rng(1), np.array([2, 4, 8])
    truth = np.array([draw(rng, 100_000, k).max(axis=1).mean() for k in n])
    found = [draw(rng, 8) for _ in range(6000)]
    u = np.array([stats.expected_best(scores, n) for scores in found])
    v = np.array([stats.expected_best(scores, n, replace=True) for scores in found])
    error = u.std(axis=0) / len(found) ** 0.5
    print(f"\nbias at n = {n}: U {u.mean(axis=0) - truth}, V {v.mean(axis=0) - truth}")
    assert (np.abs(u.mean(axis=0) - truth) < 4 * error).all()
    assert (v.mean(axis=0) - truth < -10 * error).all()


@pytest.mark.parametrize("num", [16, 32, 64])
def test_intervals_cover_where_they_are_given(num: int):
    rng = np.random.default_rng(num)
    n = np.array([k for k in (2, 4, 8, 16) if 4 * k <= num])
    truth = np.array([draw(rng, 100_000, k).max(axis=1).mean() for k in n])
    found = [stats.expected_best_interval(draw(rng, num), n) for _ in range(1000)]
    covered = np.mean([(low <= truth) & (truth <= high) for low, high in found], axis=0)
    print(f"\ncoverage at {num} trials, n = {n}: {covered}")
    assert (covered > 0.88).all() and (covered < 0.98).all()


def test_no_interval_where_it_would_not_cover():
    low, high = stats.expected_best_interval(np.arange(16.0), [1, 4, 5, 16])
    assert list(np.isnan(low)) == list(np.isnan(high)) == [False, False, True, True]
    assert np.isnan(stats.expected_best_interval(np.arange(8.0), [1, 2])).all()


def test_the_jackknife_of_one_draw_is_the_t_interval_of_the_mean():
    scores = np.random.default_rng(2).normal(size=20)
    known = stats.mean_interval(scores)
    low, high = stats.expected_best_interval(scores, 1)
    assert known and (low[0], high[0]) == pytest.approx((known.low, known.high))


def test_best_so_far_keeps_the_order():
    found = stats.best_so_far([np.nan, 0.2, 0.1, np.nan, 0.4])
    assert found[1:].tolist() == [0.2, 0.2, 0.2, 0.4] and np.isnan(found[0])
