"""Studies of 40 points drawn from the pool, concluded as any study is."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from sambench.records import Record
from sambench.stats import Ranking
from sambench.stats.claims import ALPHA, beats, groups
from sambench.stats.tuned import tuned

STUDIES = 400
SEARCHES, TRIALS = 5, 8


@dataclass(frozen=True)
class Rates:
    """Of studies in which something false was said."""

    studies: int
    wins: int
    """a rival "beats plain" """
    pairs: int
    """some pair is "separated" """


def resample(records: Sequence[Record], baseline: str, studies: int = STUDIES) -> Rates:
    """Each study draws the points that all of its arms share."""
    rng = np.random.default_rng(0)
    validation = _validation(records)
    scores = _test_scores(records)
    points = sorted(validation[baseline])
    wins = pairs = 0
    for _ in range(studies):
        drawn = rng.choice(points, SEARCHES * TRIALS, replace=False).tolist()
        arms = {}
        for label, known in validation.items():
            ranking = Ranking.of({i: known[i] for i in drawn})
            confirmed = ranking.points[: ranking.confirmed(TRIALS)]
            own = [scores[label].get(i) for i in confirmed]
            found = tuned(ranking, own, TRIALS)
            assert found is not None
            arms[label] = found
        wins += min(beats(arms, [baseline], SEARCHES).values()) < ALPHA / 2
        pairs += len(set(groups(arms, SEARCHES).values())) > 1
    return Rates(studies, wins, pairs)


def _validation(records: Sequence[Record]) -> dict[str, dict[int, float | None]]:
    found: dict[str, dict[int, float | None]] = {}
    for record in records:
        if record.stage == "pool":
            found.setdefault(record.variant, {})[record.point] = record.val["accuracy"]
    return found


def _test_scores(records: Sequence[Record]) -> dict[str, dict[int, Fraction]]:
    """The mean over a point's reruns, by label and point."""
    runs: dict[str, dict[int, list[Fraction]]] = {}
    for record in records:
        share = record.test["accuracy"]
        if record.stage == "confirm" and share is not None:
            exact = Fraction(round(share * record.num_items), record.num_items)
            runs.setdefault(record.variant, {}).setdefault(record.point, []).append(exact)
    return {
        label: {i: Fraction(sum(own), len(own)) for i, own in by_point.items()}
        for label, by_point in runs.items()
    }
