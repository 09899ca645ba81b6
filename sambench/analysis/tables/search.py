"""Every search run.

variant, trial   label, number in the order of the sampler
lr, rho          learning rate; the variant's radius, NaN where it has none
epochs           of the schedule; epochs_done may be fewer
val_accuracy     after the last epoch, in [0, 1]; NaN where none was measured
outcome          "complete" | "pruned" | "diverged" | "failed"
source           "study" | "sweep"
"""

import pandas as pd

from sambench.analysis.tables._arms import searched
from sambench.analysis.tables._schema import typed
from sambench.records import Records

SCHEMA = {
    "variant": "str",
    "trial": "int64",
    "lr": "float64",
    "rho": "float64",
    "epochs": "int64",
    "val_accuracy": "float64",
    "outcome": "str",
    "epochs_done": "int64",
    "source": "str",
}


def table(records: Records) -> pd.DataFrame:
    """One row per search run, by variant, source and trial."""
    return typed(searched(records, list(SCHEMA)), SCHEMA)
