"""How far the answer hangs on which items are in the test set."""

from math import sqrt

import numpy as np
import pandas as pd

from sambench import stats
from sambench.analysis.evidence import Evidence
from sambench.analysis.runs import Runs
from sambench.records import unpack_bytes
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
    runs, weights = weighed(evidence, label)
    sizes, items = set(runs["num_items"].tolist()), runs.texts("items")
    if len(sizes) != 1 or not all(items):
        return None
    return _weight_right(unpack_bytes(items), weights)[: sizes.pop()]


def _weight_right(packed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weight of the runs that got each item right, (items,), from their bits (runs, bytes)."""
    by_byte = np.stack([np.bincount(column, weights, 256) for column in packed.T])
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    return sums.total(by_byte[:, None] * bits.T).ravel()


def weighed(evidence: Evidence, label: str) -> tuple[Runs, np.ndarray]:
    """The complete confirm runs that an arm's score rests on, and what part of it each is."""
    runs = evidence.runs[label]["confirm"].complete
    if evidence.is_fixed:
        return runs, np.full(len(runs), 1 / max(len(runs), 1))
    pool = evidence.pools.get(label)
    if pool is None or not pool.tuned(pool.trials):
        return runs.where(np.zeros(len(runs), bool)), np.empty(0)
    known = [score is not None for score in pool.scores]
    parts = np.array(stats.shares(pool.ranking, known, pool.trials))
    rank = pd.Index(pool.confirmed, dtype=np.int64).get_indexer(runs["point"])
    runs, rank = runs.where(rank >= 0), rank[rank >= 0]
    return runs, parts[rank] / np.bincount(rank, minlength=len(parts))[rank]
