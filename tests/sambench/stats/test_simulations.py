"""What is said of paired seeds: how often intervals cover, and how often equals are told apart.

`pytest -s tests/sambench/stats/test_simulations.py` prints the measured rates.
"""

import numpy as np
import pytest

from sambench import stats
from sambench.stats import Tuned, claims

SDS = (0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.016, 0.02)
"""of eight variants, beside a spread of 0.005 that a seed gives to all of them"""


def study(rng: np.random.Generator, seeds: int, gain: float = 0.0) -> dict[str, Tuned]:
    """Plain, and eight variants that are so much better."""
    common = rng.normal(scale=0.005, size=seeds)
    return {
        f"variant {i}" if i else "plain": stats.seed_mean(
            dict(enumerate((0.9 + gain * bool(i) + common + sd * rng.normal(size=seeds)).tolist()))
        )
        for i, sd in enumerate((0.01, *SDS))
    }


@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_paired_intervals_cover(n: int):
    rng, hits = np.random.default_rng(n), []
    for _ in range(400):
        arms = study(rng, n, gain=0.01)
        for label in list(arms)[1:]:
            found = claims.contrast(arms[label], arms["plain"], stats.searches(n))
            low, high = found.interval
            hits.append(low <= 0.01 <= high)
    print(f"\ncoverage at n = {n}: {np.mean(hits):.4f} of {len(hits)} intervals")
    assert 0.93 <= np.mean(hits) <= 0.97


@pytest.mark.parametrize("n", [5, 10])
def test_false_claims_of_equals(n: int):
    rng, wins, pairs, raw, studies = np.random.default_rng(n), 0, 0, 0, 400
    for _ in range(studies):
        arms = study(rng, n)
        found = claims.beats(arms, ["plain"], stats.searches(n))
        wins += min(found.values()) < stats.ALPHA / 2
        pairs += len(set(claims.groups(arms, stats.searches(n)).values())) > 1
        raw += any(
            claims.contrast(arms[label], arms["plain"], stats.searches(n)).p < stats.ALPHA
            for label in found
        )
    print(
        f"\nat n = {n}: false wins {wins / studies:.4f}, false pairs {pairs / studies:.4f}, "
        f"any difference without Holm {raw / studies:.4f}"
    )
    assert wins / studies <= 0.05 and pairs / studies <= 0.06
    assert raw / studies > 0.1
