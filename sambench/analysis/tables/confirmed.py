"""Every confirm run: the best points of each pool, or a fixed setting, on fresh streams.

variant, rank, point, rerun   rank 0 is the best by the pool's validation score, -1 where the
             point is none of the confirmed ranks, or settings are fixed
lr, rho      learning rate; the variant's radius, NaN where it has none
weight       what part of the arm's score the run is; 0 for one that does not count in it
test, val    scores of the study's objective, NaN where the run ended early
outcome      "complete" | "diverged" | "failed"
"""

from collections.abc import Iterator
from typing import NamedTuple

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
    return typed(_runs(evidence), ConfirmRun)


def _runs(evidence: Evidence) -> Iterator[ConfirmRun]:
    for label in evidence.arms:
        pool = evidence.pools.get(label)
        ranks = dict(zip(pool.confirmed, range(len(pool.due)), strict=True)) if pool else {}
        weights = {(run.point, run.rerun): part for run, part in weighed(evidence, label)}
        for run in evidence.runs[label]["confirm"]:
            yield ConfirmRun(
                variant=label,
                rank=ranks.get(run.point, -1),
                point=run.point,
                rerun=run.rerun,
                lr=run.lr,
                rho=run.rho,
                weight=weights.get((run.point, run.rerun), 0.0),
                test=run.test,
                val=run.val,
                outcome=run.outcome,
            )
