"""From the values of confirmed runs to what an arm is worth: weighed as its score is (rule 5)."""

from fractions import Fraction

import numpy as np

from sambench import stats
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Estimate
from sambench.analysis.runs import Runs
from sambench.records import Quantity, unpack_numbers
from sambench.stats import Searches, Tuned, claims, seed_mean, student, sums


def worth(evidence: Evidence, label: str, name: str) -> Tuned | None:
    """None where some confirmed rank that ran to its end was not measured."""
    runs = evidence.runs[label]["confirm"].complete
    if not len(runs):
        return None
    values = runs[f"measure_{name}"]
    known = np.isfinite(values)
    return weighed(evidence, label, runs.where(known), values[known])


def weighed(evidence: Evidence, label: str, runs: Runs, values: np.ndarray) -> Tuned | None:
    """What these confirm runs' values (runs,) are worth; exact, so that their order is none's."""
    exact = [Fraction(value) for value in values.tolist()]
    if evidence.is_fixed:
        own = dict(zip(runs["rerun"].tolist(), exact, strict=True))
        return seed_mean(own) if len(own) > 1 else None
    pool = evidence.pools.get(label)
    if pool is None or pool.why:
        return None
    found: dict[int, list[Fraction]] = {}
    for point, value in zip(runs["point"].tolist(), exact, strict=True):
        found.setdefault(point, []).append(value)
    means = [
        sum(found[point], Fraction()) / len(found[point]) if point in found else None
        for point in pool.confirmed
    ]
    lacks = (m is None and s is not None for m, s in zip(means, pool.scores, strict=True))
    return None if any(lacks) else stats.tuned(pool.ranking, means, pool.trials)


def details(evidence: Evidence, label: str, quantity: Quantity) -> tuple[Runs, np.ndarray]:
    """The arm's complete confirm runs that have them, and their numbers (runs, *axes)."""
    runs = evidence.runs[label]["confirm"].complete
    texts = runs.texts(f"details_{quantity.name}")
    kept = runs.where(np.array([bool(text) for text in texts], bool))
    found = [unpack_numbers(text) for text in texts if text]
    sizes = {own.size for own in found}
    shape = quantity.shape(sizes.pop()) if len(sizes) == 1 else None
    if shape is None:
        return runs.where(np.zeros(len(runs), bool)), np.empty(0)
    return kept, np.reshape(found, (-1, *shape))


def mean_details(evidence: Evidence, label: str, quantity: Quantity) -> np.ndarray | None:
    """Of the arm, (*axes), weighed as its score is; None where some confirmed rank has none."""
    runs, table = details(evidence, label, quantity)
    if not len(runs):
        return None
    if evidence.is_fixed:
        return sums.total(np.moveaxis(table, 0, -1)) / len(runs)
    pool = evidence.pools.get(label)
    if pool is None or pool.why:
        return None
    known = [score is not None for score in pool.scores]
    weights = stats.shares(pool.ranking, known, pool.trials)
    points, whole = runs["point"], np.zeros(table.shape[1:])
    for point, weight in zip(pool.confirmed, weights, strict=True):
        own = table[points == point]
        if weight and not len(own):
            return None
        if weight:
            whole = whole + weight * sums.total(np.moveaxis(own, 0, -1)) / len(own)
    return whole


def searches_of(evidence: Evidence, tuned: Tuned) -> Searches:
    """That its error is estimated from."""
    if evidence.is_fixed:
        return stats.searches(len(tuned.influence))
    return evidence.size.searches


def uncut(tuned: Tuned, searches: Searches) -> Estimate:
    """With its t interval, which is cut nowhere."""
    value, freedom = float(tuned.score), claims.freedom(searches)
    if freedom < 1:
        return Estimate(value)
    half = student.exceeded(claims.ALPHA / 2, freedom) * tuned.error
    return Estimate(value, value - half, value + half)
