"""The protocol's claims over made-up studies: eight variants and three lengths of the baseline.

`pytest -s tests/sambench/stats/test_protocol.py` prints the measured rates; STUDIES=2000 in the
environment measures them over more studies than the tests need.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from simulated import Arm, study, truth

from sambench.stats import claims
from sambench.stats.tuned import Tuned

STUDIES = int(os.environ.get("STUDIES", "150"))
SEARCHES = 5
MARGIN = 0.01
PLAIN = {
    "plain x0.5": Arm(16, turn=0.1),
    "plain": Arm(8, test_sd=0.02),
    "plain x2": Arm(4, turn=0.2),
}
SDS = (0.012, 0.016, 0.02, 0.024)
RIVALS = {f"variant {i}": Arm(4, turn=0.1 * i, test_sd=SDS[i % 4]) for i in range(8)}
RIVALS["variant 3"] = replace(RIVALS["variant 3"], diverging=0.03)
GAINS = dict(zip(RIVALS, (0.0, -0.02, 0.005, 0.015, 0.01, -0.01, 0.0, 0.02), strict=True))


def levelled(gains: Mapping[str, float]) -> dict[str, Arm]:
    """Arms whose tuned scores are 90% and their gain, each at the points that it affords."""
    arms = PLAIN | RIVALS
    return {
        label: replace(arm, gain=0.9 - truth(arm) + gains.get(label, 0.0))
        for label, arm in arms.items()
    }


def studies(arms: dict[str, Arm], searches: int, which: int) -> Iterator[dict[str, Tuned]]:
    for number in range(STUDIES):
        yield study((which, number), arms, searches)


@pytest.mark.parametrize("gains", [{}, GAINS], ids=["equals", "different"])
def test_intervals_cover(gains: dict[str, float]):
    arms = levelled(gains)
    hits, halves = [], []
    for found in studies(arms, SEARCHES, 1):
        for a, b in combinations(arms, 2):
            low, high = claims.contrast(found[a], found[b], SEARCHES).interval
            hits.append(low <= truth(arms[a]) - truth(arms[b]) <= high)
            halves.append((high - low) / 2)
    print(f"\ncoverage {np.mean(hits):.4f} of {len(hits)}, half-width {np.mean(halves):.4f}")
    assert 0.93 <= np.mean(hits) <= 0.99


def test_false_claims_of_equals_with_an_extension():
    """A study whose first answer is no win is extended to twice the pool, at half the level."""
    arms = levelled({})
    wins = pairs = 0
    for number in range(STUDIES):
        found = study((2, number), arms, SEARCHES)
        won = min(claims.beats(found, list(PLAIN), SEARCHES).values()) < claims.ALPHA / 2
        pairs += len(set(claims.groups(found, SEARCHES).values())) > 1
        if not won:
            more = study((2, number), arms, 2 * SEARCHES)
            won = min(claims.beats(more, list(PLAIN), 2 * SEARCHES).values()) < claims.ALPHA / 4
        wins += won
    print(f"\nfalse wins {wins / STUDIES:.4f}, false pairs {pairs / STUDIES:.4f}")
    assert wins / STUDIES <= 0.06
    assert pairs / STUDIES <= 0.06


def test_recommendations_are_within_the_margin():
    arms = levelled(GAINS)
    costs = {label: 1 + arm.k / 100 for label, arm in arms.items()}
    best = max(truth(arm) for arm in arms.values())
    wrong = decided = 0
    for found in studies(arms, SEARCHES, 3):
        label = claims.recommend(found, costs, SEARCHES, MARGIN).label
        decided += label is not None
        wrong += label is not None and best - truth(arms[label]) > MARGIN + 1e-9
    print(f"\nwrong {wrong / STUDIES:.4f}, decided {decided / STUDIES:.4f}")
    assert wrong / STUDIES <= 0.05
