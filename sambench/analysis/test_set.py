"""How far the answer hangs on which items are in the test set."""

from collections import Counter
from math import sqrt

import numpy as np

from sambench import stats
from sambench.analysis.evidence import Evidence, Run
from sambench.records import unpack
from sambench.stats import sums


def errors(evidence: Evidence, labels: list[str], plain: str) -> dict[str, float]:
    """Standard error over test items of each arm's lead over `plain`, by label.

    An arm gets an item right with the share of its reruns that do, each rank's weighed as in
    tuned(k); differences are paired by item. Left out are arms of which items are not known.
    """
    known = {label: share_right(evidence, label) for label in {*labels, plain}}
    base = known[plain]
    found = {}
    for label in labels:
        own = known[label]
        if own is not None and base is not None and own.shape == base.shape and len(own) > 1:
            found[label] = _standard_error(own - base)
    return found


def _standard_error(values: np.ndarray) -> float:
    """Of their mean."""
    n = len(values)
    apart = values - float(sums.total(values)) / n
    return sqrt(float(sums.total(apart * apart)) / (n - 1) / n)


def share_right(evidence: Evidence, label: str) -> np.ndarray | None:
    """By item, (items,); None if a run does not tell, or test sets differ in size."""
    runs = weighed(evidence, label)
    sizes = {run.num_items for run, _ in runs}
    if len(sizes) != 1 or not all(run.items for run, _ in runs):
        return None
    total = np.zeros(sizes.pop())
    for run, weight in runs:
        total += weight * unpack(run.items, len(total))
    return total


def weighed(evidence: Evidence, label: str) -> list[tuple[Run, float]]:
    """The complete confirm runs that an arm's score rests on, and what part of it each is."""
    runs = [run for run in evidence.runs[label]["confirm"] if run.is_complete]
    if evidence.is_fixed:
        return [(run, 1 / len(runs)) for run in runs]
    pool = evidence.pools.get(label)
    if pool is None or not pool.tuned(pool.trials):
        return []
    known = [score is not None for score in pool.scores]
    parts = dict(
        zip(pool.ranking.points, stats.shares(pool.ranking, known, pool.trials), strict=False)
    )
    times = Counter(run.point for run in runs)
    return [(run, parts[run.point] / times[run.point]) for run in runs if run.point in parts]
