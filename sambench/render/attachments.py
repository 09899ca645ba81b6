"""What stands behind a study's answer: its tidy tables, and where their figures are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sambench.analysis import rankable, rounded
from sambench.analysis.tables import TABLES, note
from sambench.records import Records

SEARCHED = ("search", "divergence", "sensitivity", "budget")  # a sweep's trials count in these


@dataclass(frozen=True)
class Evidence:
    """By name, as in `sambench.analysis.tables`, with the numbers that are published."""

    tables: Mapping[str, pd.DataFrame]
    unranked: str
    """which of the two rankings is missing and why"""
    figures: Sequence[tuple[str, str]] = ()
    """address relative to the page, text for who cannot see it"""

    def drawn(self, figures: Sequence[tuple[str, str]]) -> "Evidence":
        """The same with figures."""
        return replace(self, figures=tuple(figures))


def gather(records: Records) -> Evidence:
    """All tables of a study."""
    ranked = Records(records.header, _ranked(records))
    tables = {
        name: rounded(table(records if name in SEARCHED else ranked))
        for name, table in TABLES.items()
    }
    return Evidence(tables, note(ranked))


def _ranked(records: Records) -> pd.DataFrame:
    """The confirm runs that may rank, and a run of each variant that says what it is."""
    rows = rankable(records)
    confirm = (rows["stage"] == "confirm").to_numpy()
    named = np.flatnonzero(~confirm & ~rows["variant"].where(~confirm).duplicated().to_numpy())
    return pd.concat([rows.loc[confirm], rows.iloc[named]])
