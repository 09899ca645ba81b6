"""Every run of the settings to use, on fresh streams.

variant, rerun   label; number of the run
lr, rho          learning rate; the variant's radius, NaN where it has none
epochs           of the schedule
test, val        scores of the study's objective, NaN where the run ended early
outcome          "complete" | "diverged" | "failed"
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import typed


class SettingRun(NamedTuple):
    """A line of the table."""

    variant: str
    rerun: int
    lr: float
    rho: float
    epochs: int
    test: float
    val: float
    outcome: str


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per run, by arm and rerun."""
    return typed(evidence.of_stage("setting").table(SettingRun._fields), SettingRun)
