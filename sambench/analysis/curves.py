"""Tuning curves: what each arm is worth at every budget up to the study's."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import floor

from sambench.analysis.evidence import Evidence
from sambench.analysis.pool import Pool
from sambench.stats import Tuned


@dataclass(frozen=True)
class Pair:
    """Two arms at equal gradient evaluations."""

    labels: tuple[str, str]
    evaluations: Fraction
    """in full runs of the baseline"""
    tuned: tuple[Tuned, Tuned]


def curves(evidence: Evidence) -> dict[str, dict[Fraction, Tuned]]:
    """tuned(k) of every arm that can be ranked: at whole k, and where the budget ends.

    They start at the smallest k for which enough ranks are confirmed (rule 5).
    """
    return {label: _curve(pool) for label, pool in evidence.pools.items() if not pool.why}


def _curve(pool: Pool) -> dict[Fraction, Tuned]:
    whole = map(Fraction, range(pool.smallest, floor(pool.trials) + 1))
    found = {k: pool.tuned(k) for k in [*whole, pool.trials]}
    return {k: tuned for k, tuned in found.items() if tuned}


def pairs(evidence: Evidence) -> Iterator[Pair]:
    """Of all curves, wherever one of the two has a point and neither starts later."""
    found = curves(evidence)
    for a, b in combinations(found, 2):
        costs = [evidence.cost(label) for label in (a, b)]
        places = {k * cost for label, cost in zip((a, b), costs, strict=True) for k in found[label]}
        start = max(min(found[x]) * cost for x, cost in zip((a, b), costs, strict=True))
        for at in sorted(place for place in places if place >= start):
            one, other = (
                evidence.pools[x].tuned(at / cost) for x, cost in zip((a, b), costs, strict=True)
            )
            if one and other:
                yield Pair((a, b), at, (one, other))
