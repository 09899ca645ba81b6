"""The Pareto front of accuracy and cost."""

import numpy as np
from numpy.typing import ArrayLike


def pareto_front(cost: ArrayLike, score: ArrayLike) -> np.ndarray:
    """Which options no other one beats: none is as cheap and as good, and better in one of both.

    Equal options stand or fall together; NaN in either is never on the front. Sorting, O(n log n).
    """
    cost, score = np.asarray(cost, float), np.asarray(score, float)
    front = np.zeros(len(cost), bool)
    known = np.flatnonzero(~(np.isnan(cost) | np.isnan(score)))
    best, at = -np.inf, np.nan  # best score so far, and the least cost that reached it
    for i in known[np.lexsort((-score[known], cost[known]))]:
        front[i] = score[i] > best or (score[i] == best and cost[i] == at)
        if score[i] > best:
            best, at = score[i], cost[i]
    return front
