"""What a run costs: gradient evaluations as they were counted, and seconds on one machine."""

import math
from collections import Counter
from statistics import median

from sambench.analysis.evidence import Evidence, Run
from sambench.analysis.findings import Cost, Spent


def timed_on(evidence: Evidence) -> str:
    """The machine of most complete runs: times of others are never mixed in; "" without any."""
    runs = (run for label in evidence.arms for run in evidence.all_runs(label))
    found = Counter(run.machine for run in runs if run.is_complete)
    return min(found, key=lambda machine: (-found[machine], machine), default="")


def costs(evidence: Evidence) -> dict[str, Cost]:
    """By label, of the median complete run; arms without one are left out."""
    machine = timed_on(evidence)
    runs = {
        label: [run for run in evidence.all_runs(label) if run.is_complete]
        for label in evidence.arms
    }
    timed = {label: [r for r in own if r.machine == machine] for label, own in runs.items()}
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
        if own
    }


def spent(evidence: Evidence) -> Spent:
    runs = [run for label in evidence.arms for run in evidence.all_runs(label)]
    return Spent(
        runs=len(runs),
        gradient_evaluations=math.fsum(run.gradient_evaluations for run in runs),
        seconds=math.fsum(run.wall_s for run in runs if run.wall_s == run.wall_s),
    )


def _median(runs: list[Run], column: str) -> float | None:
    values = [value for run in runs if (value := getattr(run, column)) == value]
    return float(median(values)) if values else None


def _ratio(time: float | None, base: float | None) -> float | None:
    return time / base if time and base else None
