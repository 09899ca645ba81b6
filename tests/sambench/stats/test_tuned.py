"""tuned(k) against all searches that a pool contains, and its jackknife against deletion."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import sqrt

import pytest
from opda.nonparametric import EmpiricalDistribution

from sambench.stats.ranking import Ranking
from sambench.stats.tuned import shares, tuned

Validation = dict[int, float | None]
F = Fraction
DISTINCT: Validation = {0: 0.25, 1: 0.75, 2: 0.5, 3: 0.625, 4: 0.125, 5: 0.875, 6: 0.375}
TIED: Validation = {0: 0.5, 1: 0.75, 2: 0.5, 3: 0.75, 4: 0.5, 5: 0.25, 6: 0.75}
DIVERGED: Validation = {0: None, 1: 0.75, 2: 0.5, 3: 0.75, 4: None, 5: 0.25, 6: 0.5}
TESTS = {0: F(3, 7), 1: F(1, 2), 2: F(2, 3), 3: F(5, 9), 4: F(1, 3), 5: F(4, 5), 6: F(3, 4)}


def enumerated(validation: Validation, tests: dict[int, F], confirmed: set[int], k: int) -> F:
    """Mean test score of the winners of all searches of k points, those that nobody retrained left
    out; among equals each confirmed one is as likely the winner."""
    total, weight = F(0), F(0)
    alive = {i for i, score in validation.items() if score is not None}
    for draw in combinations(sorted(validation), k):
        best = max((validation[i] or 0 for i in draw if i in alive), default=None)
        equals = confirmed & {i for i in alive if validation[i] == best}
        if equals:
            total += sum((tests[i] for i in equals), F(0)) / len(equals)
            weight += 1
    return total / weight


def scores(ranking: Ranking, confirmed: int) -> list[F]:
    return [TESTS[i] for i in ranking.points[:confirmed]]


@pytest.mark.parametrize("validation", [DISTINCT, TIED, DIVERGED])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("confirmed", [1, 2, 4, 5])
def test_it_is_the_mean_over_all_searches(validation: Validation, k: int, confirmed: int):
    ranking = Ranking.of(validation)
    found = tuned(ranking, scores(ranking, confirmed), k)
    assert found is None or found.score == enumerated(
        validation, TESTS, set(ranking.points[:confirmed]), k
    )
    assert (found is None) == (confirmed == 1)  # without its only point nothing is left


@pytest.mark.parametrize("validation", [DISTINCT, TIED, DIVERGED])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_jackknife_deletes_points(validation: Validation, k: int):
    ranking = Ranking.of(validation)
    confirmed = set(ranking.points[:4])
    found = tuned(ranking, scores(ranking, 4), k)
    without = {
        i: enumerated({j: v for j, v in validation.items() if j != i}, TESTS, confirmed - {i}, k)
        for i in validation
    }
    mean, n = sum(without.values(), F(0)) / len(without), len(without)
    assert found is not None
    assert found.influence == {
        i: pytest.approx(sqrt((n - 1) / n) * float(theta - mean), rel=1e-12, abs=1e-15)
        for i, theta in without.items()
    }
    spread = sum((theta - mean) ** 2 for theta in without.values())
    assert found.error == pytest.approx(sqrt((n - 1) / n * spread), rel=1e-12)


def test_it_is_linear_between_whole_k():
    ranking = Ranking.of(TIED)
    two, three, between = (tuned(ranking, scores(ranking, 5), k) for k in (2, 3, F(9, 4)))
    assert two and three and between
    assert between.score == F(3, 4) * two.score + F(1, 4) * three.score
    for i, u in between.influence.items():
        assert u == pytest.approx(0.75 * two.influence[i] + 0.25 * three.influence[i], abs=1e-15)


def test_a_rank_whose_reruns_all_diverged_has_no_weight():
    ranking = Ranking.of(DISTINCT)
    some: Sequence[F | None] = [F(1, 2), None, F(1, 4)]
    found = tuned(ranking, some, 1)
    assert found and found.score == F(3, 8)
    assert tuned(ranking, [None, None], 1) is None
    assert tuned(Ranking.of({0: None, 1: None}), [], 1) is None


def test_the_expected_maximum_where_selection_and_score_coincide():
    ranking = Ranking.of({i: float(v) for i, v in TESTS.items()})
    for k in range(1, 6):
        draws = list(combinations(TESTS.values(), k))
        found = tuned(ranking, scores(ranking, 7), k)
        assert found and found.score == sum((max(draw) for draw in draws), F(0)) / len(draws)


@pytest.mark.parametrize("size", [7, 40])
def test_it_is_opdas_unbiased_curve_where_selection_and_score_coincide(size: int):
    """Which draws without replacement, as a pool's searches do; its other curves draw with."""
    values = [F(i * i % (2 * size + 1), 2 * size + 1) for i in range(1, size + 1)]
    ranking = Ranking.of({i: float(v) for i, v in enumerate(values)})
    curve = EmpiricalDistribution([float(v) for v in values])
    for k in range(1, size // 2):
        found = tuned(ranking, [values[i] for i in ranking.points], k)
        assert found
        assert float(found.score) == pytest.approx(float(curve.u_tuning_curve(k)), rel=1e-12)


def test_floats_give_the_same_as_fractions():
    ranking = Ranking.of(TIED)
    exact = tuned(ranking, scores(ranking, 5), F(5, 2))
    rough = tuned(ranking, [float(s) for s in scores(ranking, 5)], 2.5)
    assert exact and rough
    assert rough.score == pytest.approx(float(exact.score), rel=1e-12)
    assert rough.influence == pytest.approx(exact.influence, abs=1e-12)


def test_differences_are_paired_by_point():
    """An arm that lacks a point does not move with it."""
    a = tuned(Ranking.of(DISTINCT), [TESTS[5], TESTS[1], TESTS[3], TESTS[2]], 2)
    few = Ranking.of({i: DISTINCT[i] for i in (0, 1, 2, 3)})
    b = tuned(few, [TESTS[1], TESTS[3], TESTS[2]], 2)
    assert a and b
    assert a.error_against(a) == 0
    expected = sum((u - b.influence.get(i, 0)) ** 2 for i, u in a.influence.items())
    assert a.error_against(b) == pytest.approx(sqrt(expected), rel=1e-12)


@pytest.mark.parametrize("validation", [DISTINCT, TIED, DIVERGED])
@pytest.mark.parametrize("k", [1, 2, F(5, 2)])
def test_shares_add_up_to_the_score(validation: Validation, k: F):
    ranking = Ranking.of(validation)
    own: list[F | None] = [*scores(ranking, 4)]
    own[1] = None
    found = tuned(ranking, own, k)
    parts = shares(ranking, [score is not None for score in own], k)
    low, high = (tuned(ranking, own, whole) for whole in (int(k), int(-(-k // 1))))
    assert found and low and high and parts[1] == 0 and sum(parts) == pytest.approx(1)
    known = sum(part * float(score or 0) for part, score in zip(parts, own, strict=True))
    assert known == pytest.approx(float(found.score), rel=1e-12)


def test_a_pool_without_ties_and_all_confirmed_by_hand():
    """Ranks 0, 1, 2 of three points win 2, 1 and 0 of the three searches of two."""
    ranking = Ranking.of({0: 0.3, 1: 0.2, 2: 0.1})
    assert shares(ranking, [True, True, True], 2) == pytest.approx([2 / 3, 1 / 3, 0])
    found = tuned(ranking, [F(9, 10), F(6, 10), F(1, 10)], 2)
    assert found and found.score == F(8, 10)
    thetas = [F(6, 10), F(9, 10), F(9, 10)]
    mean = sum(thetas) / 3
    known = [sqrt(2 / 3) * float(theta - mean) for theta in thetas]
    assert list(found.influence.values()) == pytest.approx(known)
