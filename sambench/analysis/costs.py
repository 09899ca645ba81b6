"""What a run costs: gradient evaluations as they were counted, and seconds on one machine."""

import math

import numpy as np

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Cost, Spent
from sambench.analysis.runs import Runs


def timed_on(evidence: Evidence) -> str:
    """The machine of most complete runs: times of others are never mixed in; "" without any."""
    found = evidence.machines(complete=True)
    return min(found, key=lambda machine: (-found[machine], machine), default="")


def costs(evidence: Evidence) -> dict[str, Cost]:
    """By label, of the median complete run; arms without one are left out."""
    machine = timed_on(evidence)
    runs = {label: evidence.all_runs(label).complete for label in evidence.arms}
    timed = {label: own.where(own.is_on(machine)) for label, own in runs.items()}
    steps = {label: _median(own, "step_time_s") for label, own in timed.items()}
    base = next((steps[label] for label in evidence.baselines if steps[label]), None)
    return {
        label: Cost(
            gradient_evaluations=_median(own, "gradient_evaluations") or 0.0,
            ratio=float(evidence.cost(label)),
            seconds=_median(timed[label], "wall_s"),
            step_time=_ratio(steps[label], base),
            peak_memory=_median(own, "peak_memory"),
        )
        for label, own in runs.items()
        if len(own)
    }


def spent(evidence: Evidence) -> Spent:
    frame = evidence.frame
    evaluations, seconds = (frame[n].to_numpy() for n in ("gradient_evaluations", "wall_s"))
    return Spent(
        runs=len(frame),
        gradient_evaluations=math.fsum(evaluations.tolist()),
        seconds=math.fsum(seconds[~np.isnan(seconds)].tolist()),
    )


def _median(runs: Runs, column: str) -> float | None:
    values = runs[column]
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else None


def _ratio(time: float | None, base: float | None) -> float | None:
    return time / base if time and base else None
