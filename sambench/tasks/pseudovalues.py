"""What single items are worth to scores that are no mean over items: the jackknife's pseudo-values.

Of a score S of n items, item i has n S - (n - 1) S(-i), where S(-i) is the score without it. The
standard error of the mean of these numbers is the delete-one jackknife's of S (Tukey 1958), and of
their differences item by item that of a difference of scores. The scores here are smooth in the
shares of items, where it agrees with the bootstrap over items to first order (Efron 1982, chapter
6), draws nothing, and takes one pass over the items. Those of the area are DeLong's components
(1988), each class over its own number of items less one.

Functions return (n,) float64, None where a class or a label has a single item: what the score would
be without it says nothing. Micro F1, which counts all labels together, does not mind.
"""

from collections.abc import Iterator

import numpy as np

FEWEST = 2  # items of a class


def balanced_accuracy(labels: np.ndarray, found: np.ndarray) -> np.ndarray | None:
    """Of the mean of the recalls of the classes that are there; class numbers (n,)."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < FEWEST:
        return None
    right = labels == found
    hits = np.bincount(codes, right)
    recall = hits / counts
    own = (hits[codes] - right) / (counts[codes] - 1)
    return _pseudovalues(recall.mean(), (recall.sum() - recall[codes] + own) / len(counts))


def f1_macro(labels: np.ndarray, found: np.ndarray) -> np.ndarray | None:
    """Of the mean F1 of the classes that are there or were found; class numbers (n,)."""
    if np.unique(labels, return_counts=True)[1].min() < FEWEST:
        return None
    right, num = labels == found, int(max(labels.max(), found.max())) + 1
    hits = np.bincount(labels[right], minlength=num)
    sizes = np.bincount(labels, minlength=num) + np.bincount(found, minlength=num)
    scores, there = _f1(hits, sizes), int((sizes > 0).sum())
    of_true = _f1(hits[labels] - right, sizes[labels] - 1 - right) - scores[labels]
    of_found = _f1(hits[found], sizes[found] - 1) - scores[found]
    lost = ~right & (sizes[found] == 1)  # it alone was taken for that class
    rest = (scores.sum() + of_true + np.where(right, 0.0, of_found)) / (there - lost)
    return _pseudovalues(scores.sum() / there, rest)


def f1_of_labels(truth: np.ndarray, found: np.ndarray, *, micro: bool) -> np.ndarray | None:
    """Of F1 over all labels together (micro), or its mean over labels; bool (n, labels)."""
    if not micro and not _enough(truth):
        return None
    hits, sizes = truth & found, truth.astype(int) + found
    if micro:
        hits, sizes = hits.sum(1, keepdims=True), sizes.sum(1, keepdims=True)
    all_hits, all_sizes = hits.sum(0), sizes.sum(0)
    return _pseudovalues(
        _f1(all_hits, all_sizes).mean(), _f1(all_hits - hits, all_sizes - sizes).mean(1)
    )


def area(chances: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Of the area under the ROC curve, the mean over classes of each against all others.

    chances: (n, classes), of two classes the area is that of the second; labels: (n,)
    """
    classes = chances.shape[1]
    of = range(1, 2) if classes == 2 else range(classes)
    if np.bincount(labels, minlength=classes).min() < FEWEST:
        return None
    return _mean(_area(chances[:, i], labels == i) for i in of)


def precision(scores: np.ndarray, truth: np.ndarray) -> np.ndarray | None:
    """Of average precision, its mean over the labels that are there; (n, labels), truth bool."""
    there = np.flatnonzero(truth.any(0))
    if not len(there) or not _enough(truth):
        return None
    return _mean(_precision(scores[:, i], truth[:, i]) for i in there)


def _area(scores: np.ndarray, there: np.ndarray) -> np.ndarray:
    """By how many of the others each item comes after, ties counting a half."""
    ups, downs = scores[there], scores[~there]
    below, above = _rank(ups, downs), len(ups) - _rank(downs, ups)
    wins, rest = below.sum(), np.empty(len(scores))
    rest[there] = (wins - below) / ((len(ups) - 1) * len(downs))
    rest[~there] = (wins - above) / (len(ups) * (len(downs) - 1))
    return _pseudovalues(wins / (len(ups) * len(downs)), rest)


def _rank(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """How many of the others are less than each, and half of those that are equal."""
    ordered = np.sort(among)
    sides = [np.searchsorted(ordered, values, side) for side in ("left", "right")]
    return (sides[0] + sides[1]) / 2


def _precision(scores: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Items of one score are taken together, as scikit-learn does."""
    _, at, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    own = np.bincount(at, there)
    seen, hits, num = np.cumsum(counts), np.cumsum(own), there.sum()
    as_is, no_miss, no_hit = (
        own * hits / seen,
        own * _over(hits, seen - 1),
        own * _over(hits - 1, seen - 1),
    )
    before, after = np.cumsum(as_is) - as_is, [_after(part) for part in (no_miss, no_hit)]
    with_own = (own - 1) * _over(hits - 1, seen - 1)
    without_miss = (before + no_miss + after[0]) / num
    without_hit = (before + with_own + after[1]) / (num - 1)
    return _pseudovalues(as_is.sum() / num, np.where(there, without_hit[at], without_miss[at]))


def _after(parts: np.ndarray) -> np.ndarray:
    """The sum of all that come later."""
    return parts.sum() - np.cumsum(parts)


def _f1(hits: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """sizes: how many are there and how many were found, together; 0 where neither."""
    return 2 * _over(hits, sizes)


def _over(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """0 where nothing is divided by."""
    return np.divide(values, of, out=np.zeros(np.broadcast(values, of).shape), where=of > 0)


def _enough(truth: np.ndarray) -> bool:
    """Whether every label that is there has items enough, bool (n, labels)."""
    counts = truth.sum(0)
    return bool(((counts == 0) | (counts >= FEWEST)).all())


def _mean(parts: Iterator[np.ndarray]) -> np.ndarray:
    found = list(parts)
    return sum(found[1:], found[0]) / len(found)


def _pseudovalues(whole: float, rest: np.ndarray) -> np.ndarray:
    """Of a score and what it is without each item, (n,)."""
    return len(rest) * whole - (len(rest) - 1) * rest
