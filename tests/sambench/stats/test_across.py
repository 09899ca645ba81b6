"""Ranks and the interquartile mean over studies."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from sambench import stats


@pytest.mark.parametrize("n", [4, 8, 40])
def test_iqm_equals_scipy(n: int):
    values = np.random.default_rng(n).normal(size=(3, n))
    known = scipy_stats.trim_mean(values, 0.25, axis=1)
    assert stats.iqm(values) == pytest.approx(known)


def test_iqm_counts_values_at_a_quartile_in_part():
    """Of three values the middle half is 1.5: all of the second, a quarter of the others."""
    assert stats.iqm([10.0, 0.0, 1.0]) == pytest.approx((0.25 * 0 + 1 + 0.25 * 10) / 1.5)


def test_iqm_weighs_studies_not_seeds():
    few, many = [0.1, 0.2], [0.3] * 50 + [0.4] * 50
    weights = [0.5] * 2 + [0.01] * 100
    assert stats.iqm([*few, *many], weights) == pytest.approx((0.2 + 0.3) / 2)


def test_ranks_share_ties_and_leave_out_who_is_not_everywhere():
    studies = [{"a": 0.9, "b": 0.8, "c": 0.9}, {"a": 0.7, "b": 0.8, "c": 0.6, "d": 0.9}]
    assert stats.mean_ranks(studies) == {"a": 1.75, "b": 2.0, "c": 2.25}
    assert stats.mean_ranks([]) == {}


def test_bootstrap_repeats_itself_and_orders_its_ends():
    strata = [np.random.default_rng(i).normal(0.01 * i, 0.01, 10) for i in range(3)]
    found = stats.stratified_iqm(strata)
    assert found == stats.stratified_iqm(strata)
    assert found != stats.stratified_iqm(strata, seed=1)
    assert found.low < found.iqm < found.high


def test_one_seed_per_study_has_no_interval():
    found = stats.stratified_iqm([[0.1], [0.2], [0.3]])
    assert found.iqm == pytest.approx(0.2) and np.isnan(found.low) and np.isnan(found.high)
