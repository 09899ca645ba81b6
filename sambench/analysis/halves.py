"""The same arms from the points that ran on one kind of processor, and on another.

A point belongs where its pool run ran; the kind is the processor's name and its instruction set.
"""

from fractions import Fraction
from itertools import combinations

import numpy as np

from sambench.analysis.contest import difference, scored
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Half
from sambench.scores import Score
from sambench.stats import Tuned, claims

KIND = ("processor", "instructions")


def halves(evidence: Evidence) -> tuple[Half, ...]:
    """Of every arm and pair of kinds of which the arm has points enough."""
    found = []
    for label, pool in evidence.pools.items():
        runs = evidence.runs[label]["pool"]
        kind = np.array(list(map(", ".join, zip(*map(runs.texts, KIND), strict=True))), object)
        kinds = sorted(set(kind))
        if len(kinds) < 2:
            continue
        parts = {each: pool.among(runs["point"][kind == each]) for each in kinds}
        tuned = {kind: t for kind, part in parts.items() if (t := part.tuned(pool.trials))}
        found += [
            _half(label, (a, b), (tuned[a], tuned[b]), pool.trials, evidence.score)
            for a, b in combinations(tuned, 2)
        ]
    return tuple(found)


def _half(
    label: str,
    kinds: tuple[str, str],
    tuned: tuple[Tuned, Tuned],
    trials: Fraction,
    score: Score,
) -> Half:
    """Each with as many searches as its points hold, their difference with all of them."""
    searches = [len(part.influence) / trials for part in tuned]
    apart = claims.contrast(*tuned, sum(searches))
    a, b = (scored(part, own, score) for part, own in zip(tuned, searches, strict=True))
    return Half(label, kinds, (a, b), difference(apart, score), apart.error)
