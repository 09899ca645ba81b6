"""What a variant costs and how good it is; the median complete confirm run.

    gradient_evaluations   counted, in full-batch gradients
    wall_s, step_time_s    seconds of a run, of a training step; NaN where variant and baseline did
                           not all run on one device with one number of threads
    peak_memory            bytes on a CUDA device, NaN on a CPU
    accuracy               mean test accuracy in [0, 1]
    pareto_gradients, pareto_wall, pareto_memory   whether no other variant is as good for less, or
                           better for as little, by that cost; False where it is unknown

All baselines stand here, that of equal epochs too.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench import stats
from sambench.analysis.tables._schema import typed

TIMES = ["wall_s", "step_time_s"]


class RunCost(NamedTuple):
    """A line of the table."""

    variant: str
    gradient_evaluations: float
    wall_s: float
    step_time_s: float
    peak_memory: float
    accuracy: float
    pareto_gradients: bool
    pareto_wall: bool
    pareto_memory: bool


def table(runs: pd.DataFrame, baseline: str | None) -> pd.DataFrame:
    """One row per variant with a complete confirm run, by name."""
    by = runs.groupby("variant")
    found = by[["gradient_evaluations", *TIMES, "peak_memory"]].median()
    found["accuracy"] = [stats.mean(own.to_numpy()) for _, own in by["test_accuracy"]]
    comparable = _comparable(runs, baseline)
    found.loc[~np.array(comparable, bool), TIMES] = np.nan
    for name, cost in (
        ("gradients", "gradient_evaluations"),
        ("wall", "wall_s"),
        ("memory", "peak_memory"),
    ):
        found[f"pareto_{name}"] = stats.pareto_front(found[cost], found["accuracy"])
    return typed(found.reset_index(), RunCost)


def _comparable(runs: pd.DataFrame, baseline: str | None) -> list[bool]:
    """By variant, sorted: whether it and the baseline ran on one and the same kind of machine."""
    machines = {
        label: set(zip(own["device"], own["threads"], strict=True))
        for label, own in runs.groupby("variant")
    }
    base = machines.get(baseline, set().union(*machines.values()))
    return [len(own | base) == 1 for own in machines.values()]
