"""Every search run.

variant, trial   label, number in the order of the sampler
lr, rho          learning rate; the variant's radius, NaN where it has none
epochs           of the schedule; epochs_done may be fewer
val_accuracy     after the last epoch, in [0, 1]; NaN where none was measured
outcome          "complete" | "pruned" | "diverged" | "failed"
source           "study" | "sweep"
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.tables._schema import typed
from sambench.analysis.tables._searched import searched
from sambench.records import Records


class SearchRun(NamedTuple):
    """A line of the table."""

    variant: str
    trial: int
    lr: float
    rho: float
    epochs: int
    val_accuracy: float
    outcome: str
    epochs_done: int
    source: str


def table(records: Records) -> pd.DataFrame:
    """One row per search run, by variant, source and trial."""
    return typed(searched(records, SearchRun._fields), SearchRun)
