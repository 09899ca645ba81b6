"""How far the answer hangs on which items are in the test set."""

from math import sqrt

import numpy as np
import pandas as pd

from sambench import stats
from sambench.analysis.evidence import Evidence
from sambench.analysis.runs import Runs
from sambench.records import unpack_bytes, unpack_numbers
from sambench.stats import sums


def errors(evidence: Evidence, labels: list[str], plain: str) -> dict[str, float]:
    """Standard error over test items of each arm's lead over `plain`, by label.

    Each run of an arm counts as its rank does in tuned(k); differences are paired by item: of means
    over items the standard error, of other scores the jackknife that leaves each item out in turn,
    which is the same of means, and that of the mean of pseudo-values. Left out are arms of which
    items are not known.
    """
    roots = evidence.score.items == "squares"
    of_items = without_each if roots else mean_of_each
    known = {label: of_items(evidence, label) for label in {*labels, plain}}
    base = known[plain]
    found = {}
    for label in labels:
        own = known[label]
        if own is not None and base is not None and own.shape == base.shape and len(own) > 1:
            found[label] = _jackknife(own - base) if roots else _standard_error(own - base)
    return found


def _standard_error(values: np.ndarray) -> float:
    """Of their mean."""
    n = len(values)
    return sqrt(_spread(values) / (n - 1) / n)


def _jackknife(values: np.ndarray) -> float:
    """Of what has these values without each item in turn."""
    n = len(values)
    return sqrt(_spread(values) * (n - 1) / n)


def _spread(values: np.ndarray) -> float:
    """Sum of squares about their mean."""
    apart = values - float(sums.total(values)) / len(values)
    return float(sums.total(apart * apart))


def mean_of_each(evidence: Evidence, label: str) -> np.ndarray | None:
    """By item, what the arm's runs score on it, (items,)."""
    if evidence.score.items in (None, "bits"):
        return share_right(evidence, label)
    values, weights = _values(evidence, label)
    return None if values is None else sums.total(values.T * weights)


def without_each(evidence: Evidence, label: str) -> np.ndarray | None:
    """What the arm scores on all items but one, (items,), of a root of a mean of squares."""
    squares, weights = _values(evidence, label)
    if squares is None or squares.shape[1] < 2:
        return None
    rest = sums.total(squares)[:, None] - squares
    return sums.total(np.sqrt(np.maximum(rest, 0) / (squares.shape[1] - 1)).T * weights)


def _values(evidence: Evidence, label: str) -> tuple[np.ndarray | None, np.ndarray]:
    """The numbers of single items, (runs, items); None if a run does not tell, or sizes differ."""
    runs, weights = weighed(evidence, label)
    found = [unpack_numbers(text) for text in runs.texts("items")]
    sizes = {len(own) for own in found}
    return (np.array(found) if len(sizes) == 1 and 0 not in sizes else None), weights


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
