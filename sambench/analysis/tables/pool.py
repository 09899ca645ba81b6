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

import numpy as np
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
    point, own = runs["point"].to_numpy(), (runs["source"] == "study").to_numpy()
    rank = np.full(len(runs), -1)
    for label, at in runs.groupby("variant").indices.items():
        if pool := evidence.pools.get(str(label)):
            confirmed = pd.Index(pool.confirmed, dtype=np.int64)
            rank[at] = np.where(own[at], confirmed.get_indexer(point[at]), -1)
    return typed(runs.assign(rank=rank), PoolRun)
