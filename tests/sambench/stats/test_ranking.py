"""The winner of k points drawn from a pool, against all draws."""

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest

from sambench.errors import UserError
from sambench.stats.ranking import Ranking, counted_passes, weights


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (5, 5), (7, 3), (9, 4)])
def test_weights_count_the_draws_that_a_rank_wins(n: int, k: int):
    wins = [0] * n
    for draw in combinations(range(n), k):
        wins[min(draw)] += 1
    assert list(weights(n, k)) == wins
    assert sum(wins) == comb(n, k)


@pytest.mark.parametrize("k", [0, 6])
def test_a_search_is_part_of_the_pool(k: int):
    with pytest.raises(UserError, match=f"1 to 5 of 5 points, got {k}"):
        weights(5, k)


def test_diverged_points_come_last_and_equals_in_order_of_their_index():
    found = Ranking.of({7: 0.5, 1: None, 2: 0.5, 3: 0.75, 0: None})
    assert found.points == (3, 2, 7, 0, 1)
    assert found.blocks == (1, 2)
    assert found.survivors == 3


def test_the_chance_of_a_search_without_survivor():
    found = Ranking.of({0: 1.0, 1: None, 2: None, 3: None})
    assert found.all_diverge(2) == Fraction(3, 6)
    assert found.all_diverge(4) == 0


@pytest.mark.parametrize(("n", "k", "runs"), [(20, 4, 31), (40, 8, 34)])
def test_reruns_of_the_defaults(n: int, k: int, runs: int):
    """Of five searches of four and of eight points."""
    found = Ranking.of({i: float(i) for i in range(n)})
    times = found.reruns(k, searches=5, smallest=k)
    assert sum(times) == runs
    left_out = Fraction(sum(weights(n, k)[len(times) :]), comb(n, k))
    one_more = Fraction(sum(weights(n, k)[len(times) - 1 :]), comb(n, k))
    assert left_out <= Fraction(1, 100) < one_more
    assert list(times) == sorted(times, reverse=True)
    assert times[-1] == 1


def test_smaller_searches_reach_deeper_into_the_pool():
    found = Ranking.of({i: float(i) for i in range(20)})
    assert [found.confirmed(k) for k in (1, 2, 4, 8)] == [20, 18, 13, 8]


def test_only_survivors_are_confirmed():
    found = Ranking.of({0: 0.5, 1: None, 2: 0.25, 3: None})
    assert found.confirmed(1) == 2
    assert Ranking.of({0: None, 1: None}).confirmed(1) == 0


def test_reruns_are_of_whole_trials_and_of_no_more_than_there_are_points():
    found = Ranking.of({i: float(i) for i in range(4)})
    assert found.reruns(Fraction(7, 3), 5, smallest=2) == found.reruns(2, 5, smallest=2)
    assert found.reruns(9, 5, smallest=9) == (30,)  # a search of all four finds the best
    assert found.reruns(Fraction(2, 3), 5, smallest=0) == ()


def test_passes_are_those_of_the_lower_median_run():
    assert counted_passes([20.0, 15.0, 10.0, 0.0, 3.0], [10, 10, 10, 5, 0], 9.0) == 1.5
    assert counted_passes([], [], 2.0) == 2.0
