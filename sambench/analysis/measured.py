"""What an arm is worth in a measure: weighed over its confirmed ranks as its score is (rule 5)."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from sambench import stats
from sambench.analysis.contest import difference, estimate
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate, Measured
from sambench.analysis.ranked import Ranked
from sambench.analysis.runs import Runs
from sambench.records import Score
from sambench.stats import Searches, Tuned, claims, seed_mean, student


def measured(evidence: Evidence, ranked: Ranked) -> tuple[Measured, ...]:
    """By quantity, in the order of the records, the arms in the order of the ranking."""
    scores = [Score.model_validate(score) for score in evidence.header.get("measures", [])]
    order = [*ranked.contest.order, *(a for a in evidence.arms if a not in ranked.contest.arms)]
    plain = ranked.contest.best_plain if ranked.contest.baselines else ""
    return tuple(row for score in scores for row in _rows(evidence, score, order, plain))


def _rows(evidence: Evidence, score: Score, order: list[str], plain: str) -> Iterator[Measured]:
    found = {label: worth(evidence, label, score.name) for label in order}
    base = found.get(plain)
    for label, tuned in found.items():
        if tuned is None:
            continue
        size = _searches(evidence, tuned)
        lead = None
        if base is not None and label not in evidence.baselines:
            lead = difference(claims.contrast(tuned, base, size))
        own = estimate(tuned, size) if score.unit == "share" else _estimate(tuned, size)
        yield Measured(score, label, own, plain if lead else "", lead)


def worth(evidence: Evidence, label: str, name: str) -> Tuned | None:
    """None where some confirmed rank that ran to its end was not measured."""
    runs = evidence.runs[label]["confirm"].complete
    if not len(runs):
        return None
    values = runs[f"measure_{name}"]
    known = runs.where(np.isfinite(values))
    if evidence.is_fixed:
        own = dict(zip(known["rerun"].tolist(), _values(known, name), strict=True))
        return seed_mean(own) if len(own) > 1 else None
    pool = evidence.pools.get(label)
    if pool is None or pool.why:
        return None
    points = known["point"].tolist()
    found: dict[int, list[Fraction]] = {}
    for point, value in zip(points, _values(known, name), strict=True):
        found.setdefault(point, []).append(value)
    means = [
        sum(found[point], Fraction()) / len(found[point]) if point in found else None
        for point in pool.confirmed
    ]
    lacks = (m is None and s is not None for m, s in zip(means, pool.scores, strict=True))
    return None if any(lacks) else stats.tuned(pool.ranking, means, pool.trials)


def _values(runs: Runs, name: str) -> list[Fraction]:
    """Exact, that sums do not depend on an order."""
    return [Fraction(value) for value in runs[f"measure_{name}"].tolist()]


def _searches(evidence: Evidence, tuned: Tuned) -> Searches:
    if evidence.is_fixed:
        return stats.searches(len(tuned.influence))
    return evidence.size.searches


def _estimate(tuned: Tuned, searches: Searches) -> Estimate:
    """With its t interval, which is cut nowhere."""
    value, freedom = float(tuned.score), claims.freedom(searches)
    if freedom < 1:
        return Estimate(value)
    half = student.exceeded(claims.ALPHA / 2, freedom) * tuned.error
    return Estimate(value, value - half, value + half)
