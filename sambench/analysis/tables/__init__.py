"""The tidy tables of a study, from records to pandas frames; one file each says what it holds.

Accuracies lie in [0, 1]. A table without data is an empty frame of the same columns and dtypes, and
the order of the records changes nothing.
"""

import pandas as pd

from sambench.analysis.rankings import Rankings
from sambench.analysis.tables import (
    across,
    budget,
    cost,
    curves,
    divergence,
    ranking,
    results,
    search,
    sensitivity,
)
from sambench.analysis.tables._schema import rows as rows
from sambench.analysis.tables._searched import Range as Range
from sambench.analysis.tables._searched import Spaces as Spaces
from sambench.analysis.tables.across import OverStudies as OverStudies
from sambench.analysis.tables.budget import BudgetPoint as BudgetPoint
from sambench.analysis.tables.cost import RunCost as RunCost
from sambench.analysis.tables.curves import CurvePoint as CurvePoint
from sambench.analysis.tables.divergence import Bin as Bin
from sambench.analysis.tables.ranking import RankedVariant as RankedVariant
from sambench.analysis.tables.results import ConfirmRun as ConfirmRun
from sambench.analysis.tables.search import SearchRun as SearchRun
from sambench.analysis.tables.sensitivity import RadiusEstimate as RadiusEstimate
from sambench.records import Records


def frames(records: Records, compared: Rankings) -> dict[str, pd.DataFrame]:
    """By name, in the order of the story; `over_studies` takes several studies."""
    runs, baseline = records.complete, compared.equal_compute.baseline
    return {
        "ranking": ranking.table(compared),
        "results": results.table(compared),
        "cost": cost.table(runs, baseline),
        "search": search.table(records),
        "divergence": divergence.table(records),
        "sensitivity": sensitivity.table(records),
        "budget": budget.table(records),
        "curves": curves.table(runs),
    }


over_studies = across.table
