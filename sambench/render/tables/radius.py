"""How carefully the radius must be tuned."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import RadiusEstimate, rows
from sambench.render.tables.table import Cell, Column, Table, measured, of, text


def _interval(row: RadiusEstimate) -> Cell:
    known = row.low == row.low
    return Cell(f"{row.low:.3g} to {row.high:.3g}" if known else NONE)


VARIANT = Column[RadiusEstimate]("variant", lambda row: text(row.variant), number=False)
RADIUS = Column[RadiusEstimate]("radius", lambda row: text(row.radius), number=False)
BEST = Column[RadiusEstimate]("best", lambda row: measured(row.best, numbers.setting))
NOTE = Column[RadiusEstimate]("note", lambda row: text(row.note), number=False)
SHORT: Sequence[Column[RadiusEstimate]] = (
    VARIANT,
    RADIUS,
    BEST,
    Column("within one SE of it", _interval),
    Column("decades", lambda row: measured(row.decades, "{:.2f}".format)),
    Column("paper's", lambda row: measured(row.default, numbers.setting)),
    Column("regret", lambda row: measured(row.regret_of_default, numbers.percent)),
    NOTE,
)
SORTABLE: Sequence[Column[RadiusEstimate]] = (
    VARIANT,
    RADIUS,
    BEST,
    Column("within one SE, from", lambda row: measured(row.low, numbers.setting)),
    Column("to", lambda row: measured(row.high, numbers.setting)),
    Column("decades", lambda row: measured(row.decades, numbers.setting)),
    Column("paper's default", lambda row: measured(row.default, numbers.setting)),
    Column("regret of it, points", lambda row: measured(row.regret_of_default, numbers.percent)),
    NOTE,
)


def short(frame: pd.DataFrame) -> Table:
    return of(rows(frame, RadiusEstimate), SHORT).without_empty(["note"])


def sortable(frame: pd.DataFrame) -> Table:
    caption = "How carefully the radius must be tuned"
    after = "Estimated from the search, on validation data. The wider, the less tuning matters."
    return of(rows(frame, RadiusEstimate), SORTABLE, caption, after=after)
