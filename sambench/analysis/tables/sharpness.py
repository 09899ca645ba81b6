"""Sharpness beside the generalisation gap.

sharpness frame: a sharpness, gap and run a line
measure, gap              names of the two quantities
variant, point, rerun     of a confirm run; of fixed settings the seed is the rerun
sharpness, gap_value      what was measured

correlation frame: a sharpness, gap and set of runs a line
of, runs           "all runs"; "within arms", the mean of the arms' own; or an arm; how many runs
tau, low, high     Kendall's, and its 95% interval by leaving out points
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis import sharpness
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import NAN, typed


class MeasuredRun(NamedTuple):
    """A line of the first table."""

    measure: str
    gap: str
    variant: str
    point: int
    rerun: int
    sharpness: float
    gap_value: float


class Tau(NamedTuple):
    """A line of the second table."""

    measure: str
    gap: str
    of: str
    runs: int
    tau: float
    low: float
    high: float


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per sharpness, gap and run."""
    lines = []
    for sharp, gap in sharpness.pairs(evidence):
        for label in evidence.arms:
            runs = sharpness.measured_runs(evidence, label, sharp.name, gap.name)
            columns = ("point", "rerun", f"measure_{sharp.name}", f"measure_{gap.name}")
            for cells in zip(*(runs[name].tolist() for name in columns), strict=True):
                lines.append(MeasuredRun(sharp.name, gap.name, label, *cells))
    lines.sort(key=lambda line: (line.measure, line.gap, line.variant, line.point, line.rerun))
    return typed(lines, MeasuredRun)


def correlations(evidence: Evidence) -> pd.DataFrame:
    """One row per sharpness, gap and set of runs."""
    return typed(
        (
            Tau(
                found.sharpness.name,
                found.gap.name,
                found.of,
                found.runs,
                found.tau.value,
                NAN if found.tau.low is None else found.tau.low,
                NAN if found.tau.high is None else found.tau.high,
            )
            for found in sharpness.correlations(evidence)
        ),
        Tau,
    )
