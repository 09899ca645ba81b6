"""The same searches for all: as many trials, as many epochs, whatever they cost."""

from collections.abc import Sequence

from sambench.analysis import NONE, Equal, numbers
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text


def _difference(row: Equal) -> Cell:
    return number(numbers.difference(row.difference), row.difference and row.difference.value)


COLUMNS: Sequence[Column[Equal]] = (
    Column("arm", lambda row: text(row.label), number=False),
    Column("schedule", lambda row: measured(row.length, "{:g}".format)),
    Column("trials k", lambda row: measured(row.trials)),
    Column("tuned(k), %", lambda row: number(numbers.accuracy(row.score), row.score.value)),
    Column("compared with", lambda row: text(row.plain or NONE), number=False),
    Column("minus it [95% CI]", _difference, hint="In points"),
)


def table(found: Sequence[Equal]) -> Table:
    return of(found, COLUMNS, "At equal trials and epochs")
