"""The same answer from the inner 80% of each searched range: does it hang on what lies outside?"""

from fractions import Fraction

from sambench import records
from sambench.analysis.contest import Contest
from sambench.analysis.evidence import Evidence, Run
from sambench.config import Arm, Space
from sambench.stats import Tuned

MARGIN = 0.1
"""Share of a range that is left out at either end."""


def inner(evidence: Evidence) -> dict[str, Tuned]:
    """tuned(k) over those points, by label; arms with too few of them are left out."""
    found = {}
    for label, pool in evidence.pools.items():
        points = {run.point for run in evidence.runs[label]["pool"] if is_inner(pool.arm, run)}
        if tuned := pool.among(points).tuned(pool.trials):
            found[label] = tuned
    return found


def is_inner(arm: Arm, run: Run) -> bool:
    """Whether it lies there in all ranges; choices have no ends."""
    values = {**records.hyperparameters(run.hyperparameters), "lr": run.lr}
    return all(
        MARGIN <= space.place(values[name]) <= 1 - MARGIN
        for name, space in arm.space.items()
        if space.choices is None
    )
