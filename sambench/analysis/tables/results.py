"""Every complete confirm run, once per ranking that its variant takes part in.

ranking, variant   as in the ranking
seed           confirm seed, the same for all variants
test_accuracy, val_accuracy   in [0, 1]; validation labels may be noisy
outcome        "complete"
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.rankings import Rankings
from sambench.analysis.tables._schema import typed


class ConfirmRun(NamedTuple):
    """A line of the table."""

    ranking: str
    variant: str
    seed: int
    test_accuracy: float
    val_accuracy: float
    outcome: str


def table(compared: Rankings) -> pd.DataFrame:
    """One row per ranking and run, by variant and seed."""
    parts = [
        ranking.runs[ranking.runs["variant"].isin(ranking.labels)].assign(ranking=ranking.name)
        for ranking in compared
        if ranking.baseline
    ]
    return typed(pd.concat(parts, ignore_index=True) if parts else [], ConfirmRun)
