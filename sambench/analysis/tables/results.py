"""Every complete confirm run, once per ranking that its variant takes part in.

ranking, variant   as in the ranking
seed           confirm seed, the same for all variants
test_accuracy, val_accuracy   in [0, 1]; validation labels may be noisy
outcome        "complete"
"""

import pandas as pd

from sambench.analysis.tables._arms import fields
from sambench.analysis.tables._schema import typed
from sambench.records import Records

SCHEMA = {
    "ranking": "str",
    "variant": "str",
    "seed": "int64",
    "test_accuracy": "float64",
    "val_accuracy": "float64",
    "outcome": "str",
}


def table(records: Records) -> pd.DataFrame:
    """One row per ranking and run, by variant and seed."""
    runs = records.complete
    parts = [
        runs[runs["variant"].isin(field.labels)].assign(ranking=field.ranking)
        for field in fields(records)
    ]
    return typed(pd.concat(parts, ignore_index=True), SCHEMA)
