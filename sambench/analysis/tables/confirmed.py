"""Every confirm run: the best points of each pool, or a fixed setting, on fresh streams.

variant, rank, point, rerun   rank 0 is the best by the pool's validation score, -1 where the
             point is none of the confirmed ranks, or settings are fixed
lr, rho      learning rate; the variant's radius, NaN where it has none
weight       what part of the arm's score the run is; 0 for one that does not count in it
test, val    scores of the study's objective, NaN where the run ended early
outcome      "complete" | "diverged" | "failed"
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import typed
from sambench.analysis.test_set import weighed


class ConfirmRun(NamedTuple):
    """A line of the table."""

    variant: str
    rank: int
    point: int
    rerun: int
    lr: float
    rho: float
    weight: float
    test: float
    val: float
    outcome: str


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per run, by arm, point and rerun."""
    runs = evidence.of_stage("confirm")
    parts = [(np.empty(0, np.int64), np.empty(0)), *(_weights(evidence, x) for x in evidence.arms)]
    rank, weight = map(np.concatenate, zip(*parts, strict=True))
    known = [name for name in ConfirmRun._fields if name not in ("rank", "weight")]
    return typed(runs.table(known).assign(rank=rank, weight=weight), ConfirmRun)


def _weights(evidence: Evidence, label: str) -> tuple[np.ndarray, np.ndarray]:
    """The rank of each run's point, and what part of the arm's score the run is."""
    runs, pool = evidence.runs[label]["confirm"], evidence.pools.get(label)
    rank = pd.Index(pool.confirmed if pool else (), dtype=np.int64).get_indexer(runs["point"])
    counted, parts = weighed(evidence, label)
    weight = np.zeros(len(runs))
    weight[np.isin(runs.at, counted.at)] = parts
    return rank, weight
