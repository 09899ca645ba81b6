"""Every run of the pools, and every trial that a W&B agent ran, which count in no ranking.

variant, point   label; number of the point, or of the agent's trial
lr, rho          learning rate; the variant's radius, NaN where it has none
epochs           of the schedule; epochs_done may be fewer
val              validation score of the study's objective, NaN where none was measured
outcome          "complete" | "pruned" | "diverged" | "failed"
rank             by validation score, 0 the best, if it is confirmed; else -1
source           "study" | "sweep"
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import typed


class PoolRun(NamedTuple):
    """A line of the table."""

    variant: str
    point: int
    lr: float
    rho: float
    epochs: int
    val: float
    outcome: str
    epochs_done: int
    rank: int
    source: str


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per run, by arm, source and point."""
    runs = evidence.searched.rename(columns={f"val_{evidence.records.objective}": "val"})
    ranks = {
        (label, point): rank
        for label, pool in evidence.pools.items()
        for rank, point in enumerate(pool.confirmed)
    }
    names = zip(runs["variant"], runs["point"], runs["source"], strict=True)
    rank = [ranks.get((arm, at), -1) if source == "study" else -1 for arm, at, source in names]
    return typed(runs.assign(rank=rank), PoolRun)
