"""The Pareto front against its definition."""

import numpy as np
import pytest

from sambench import stats


@pytest.mark.parametrize("seed", range(5))
def test_front_is_what_nothing_dominates(seed: int):
    cost, score = np.random.default_rng(seed).integers(0, 6, (2, 20)).astype(float)
    dominated = [
        ((cost <= c) & (score >= s) & ((cost < c) | (score > s))).any()
        for c, s in zip(cost, score, strict=True)
    ]
    assert stats.pareto_front(cost, score).tolist() == np.logical_not(dominated).tolist()


def test_what_is_not_known_is_not_on_the_front():
    assert stats.pareto_front([1, np.nan, 2], [0.5, 0.9, np.nan]).tolist() == [True, False, False]
    assert stats.pareto_front([], []).tolist() == []
