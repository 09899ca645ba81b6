"""What the intervals cover and how often a tie is called a win, where seed sds are unequal.

`pytest -s tests/sambench/stats/test_simulations.py` prints the measured rates.
"""

from itertools import combinations

import numpy as np
import pytest

from sambench import stats

SDS = np.array([0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.016, 0.02])[:, None]
"""of eight variants, beside a spread of 0.005 that a seed gives to all of them"""


def equals(rng: np.random.Generator, studies: int, seeds: int) -> np.ndarray:
    """Scores (studies, variants, seeds) of variants that are all equally good."""
    common = rng.normal(scale=0.005, size=(studies, 1, seeds))
    return 0.9 + common + SDS * rng.normal(size=(studies, len(SDS), seeds))


@pytest.mark.parametrize("n", [3, 5, 10, 30, 100, 1000, 10_000])
def test_paired_intervals_cover(n: int):
    rng, num = np.random.default_rng(n), max(2000, min(20_000, 2_000_000 // n))
    hits = total = 0
    for _ in range(max(1, num * n // 4_000_000)):
        size = min(num, 4_000_000 // n)
        common = rng.normal(scale=0.005, size=(size, n))
        a = 0.01 + common + rng.normal(scale=0.02, size=(size, n))
        mean, half, _ = stats.t_test(a - (common + rng.normal(scale=0.002, size=(size, n))))
        hits, total = hits + int((np.abs(mean - 0.01) <= half).sum()), total + size
    print(f"\ncoverage at n = {n}: {hits / total:.4f} of {total} intervals")
    assert 0.93 <= hits / total <= 0.97


@pytest.mark.parametrize("n", [5, 10, 30])
def test_false_wins_over_eight_variants(n: int):
    """Against a baseline, each of eight in turn: adjusted, and as bad as it is unadjusted."""
    scores = equals(np.random.default_rng(n), 10_000, n)
    rates, raw = [], []
    for base in range(len(SDS)):
        others = np.delete(scores, base, axis=1) - scores[:, [base]]
        _, _, p = stats.t_test(others)
        rates.append((stats.adjust(p) < stats.ALPHA).any(axis=1).mean())
        raw.append((p < stats.ALPHA).any(axis=1).mean())
    print(
        f"\nany false difference from the baseline at n = {n}: {min(rates):.4f} to "
        f"{max(rates):.4f} with Holm, {min(raw):.4f} to {max(raw):.4f} without"
    )
    assert max(rates) <= 0.06
    assert min(raw) > 0.1


@pytest.mark.parametrize("n", [5, 10, 30])
def test_false_separations_among_all_pairs(n: int):
    scores = equals(np.random.default_rng(n), 20_000, n)
    pairs = combinations(range(len(SDS)), 2)
    p = np.stack([stats.t_test(scores[:, i] - scores[:, j])[2] for i, j in pairs], axis=-1)
    rate = float((stats.adjust(p) < stats.ALPHA).any(axis=1).mean())
    print(f"\nany false separation of a pair at n = {n}: {rate:.4f}")
    assert rate <= 0.06


def test_false_letters():
    """The same by the letters themselves: equals share one letter in 94% of the studies."""
    scores = equals(np.random.default_rng(0), 150, 10)
    letters = [stats.groups(dict(zip("abcdefgh", study, strict=True))) for study in scores]
    rate = np.mean([set(found.values()) != {"a"} for found in letters])
    print(f"\nmore than one letter for equals: {rate:.4f}")
    assert rate <= 0.06


@pytest.mark.parametrize("n", [5, 10])
def test_bootstrap_intervals_of_the_iqm_cover(n: int):
    """Three studies of different gains and spreads, paired by seed."""
    rng, gains, sds = np.random.default_rng(n), [0.0, 0.01, 0.03], [0.005, 0.01, 0.02]
    truth = float(
        stats.iqm(
            np.concatenate([rng.normal(g, s, 300_000) for g, s in zip(gains, sds, strict=True)])
        )
    )
    hits = []
    for _ in range(250):
        found = stats.stratified_iqm([rng.normal(g, s, n) for g, s in zip(gains, sds, strict=True)])
        hits.append(found.low <= truth <= found.high)
    print(f"\ncoverage of the IQM's bootstrap interval, 3 studies, n = {n}: {np.mean(hits):.4f}")
    assert 0.88 <= np.mean(hits) <= 0.99
