"""How carefully the radius must be tuned."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import Radius, rows
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text


def _interval(row: Radius) -> Cell:
    known = row.low == row.low
    return number(f"{row.low:.3g} to {row.high:.3g}" if known else NONE, row.low)


COLUMNS: Sequence[Column[Radius]] = (
    Column("arm", lambda row: text(row.variant), number=False),
    Column("radius", lambda row: text(row.radius), number=False),
    Column("best", lambda row: measured(row.best, numbers.setting)),
    Column("as good, to one run", _interval),
    Column("decades", lambda row: measured(row.decades, "{:.2f}".format)),
    Column("paper's", lambda row: measured(row.default, numbers.setting)),
    Column("regret of it, points", lambda row: measured(row.regret_of_default, numbers.percent)),
)


def table(frame: pd.DataFrame) -> Table:
    return of(rows(frame, Radius), COLUMNS, "Radius")
