"""The tidy tables of a study, from records to pandas frames; one file each says what it holds.

Accuracies lie in [0, 1]. A table without data is an empty frame of the same columns and dtypes, and
the order of the records changes nothing.
"""

from collections.abc import Callable

import pandas as pd

from sambench.analysis.tables import across as across
from sambench.analysis.tables import (
    budget,
    cost,
    curves,
    divergence,
    ranking,
    results,
    search,
    sensitivity,
)
from sambench.analysis.tables.ranking import note as note
from sambench.records import Records

TABLES: dict[str, Callable[[Records], pd.DataFrame]] = {
    "ranking": ranking.table,
    "results": results.table,
    "cost": cost.table,
    "search": search.table,
    "divergence": divergence.table,
    "sensitivity": sensitivity.table,
    "budget": budget.table,
    "curves": curves.table,
}
"""By name, in the order of the story; `across.table` takes several studies."""
