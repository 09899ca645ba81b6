"""What a run costs and what an arm scores.

gradient_evaluations   of the median complete run, as counted, in full-batch gradients
ratio         of a run, in full runs of the baseline, from the counted evaluations
wall_s        seconds of a run on the machine that most runs used; NaN where none ran there
step_time     ratio of training steps to the baseline's, there
peak_memory   bytes on a CUDA device, NaN on a CPU
score, low, high   as in the ranking
pareto_gradients, pareto_wall, pareto_memory   whether no other arm does as well for less, or
              better for as little, by that cost; False where it is unknown
"""

from typing import NamedTuple

import pandas as pd

from sambench import stats
from sambench.analysis.findings import Cost, Estimate, Leaderboard, Row
from sambench.analysis.tables._schema import NAN, typed

PARETO = {
    "pareto_gradients": "gradient_evaluations",
    "pareto_wall": "wall_s",
    "pareto_memory": "peak_memory",
}


class RunCost(NamedTuple):
    """A line of the table."""

    variant: str
    gradient_evaluations: float
    ratio: float
    wall_s: float
    step_time: float
    peak_memory: float
    score: float
    low: float
    high: float
    pareto_gradients: bool
    pareto_wall: bool
    pareto_memory: bool


def table(found: Leaderboard) -> pd.DataFrame:
    """One row per arm with a complete run, in the order of the ranking."""
    frame = pd.DataFrame([_line(row, row.cost) for row in found.rows if row.cost])
    if not len(frame):
        return typed([], RunCost)
    merit = found.score.sign * frame["score"].to_numpy(float)
    for name, cost in PARETO.items():
        frame[name] = stats.pareto_front(frame[cost], merit)
    return typed(frame, RunCost)


def _line(row: Row, cost: Cost) -> dict[str, object]:
    score = row.score or Estimate(NAN)
    return {
        "variant": row.label,
        "gradient_evaluations": cost.gradient_evaluations,
        "ratio": cost.ratio,
        "wall_s": cost.seconds,
        "step_time": cost.step_time,
        "peak_memory": cost.peak_memory,
        "score": score.value,
        "low": score.low,
        "high": score.high,
    }
