"""What a trial of a study takes beside one that is written by hand."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from sambench.analysis import numbers
from sambench.bench import Spread, Timed, Trials, ratio
from sambench.render.tables.table import Cell, Column, Table, measured, of, text


class _Row(NamedTuple):
    variant: str
    timed: Timed
    ours_over_it: Spread | None
    """None of ours itself"""


def of_programs(found: Trials) -> Table:
    """By variant and program, ours first."""
    rows = [
        _Row(race.variant, timed, None if i == 0 else ratio(race.timed[0].seconds, timed.seconds))
        for race in found.races
        for i, timed in enumerate(race.timed)
    ]
    columns: Sequence[Column[_Row]] = (
        Column("variant", lambda row: text(row.variant), number=False),
        Column("program", lambda row: text(row.timed.name), number=False),
        Column("s a trial", lambda row: measured(median(row.timed.seconds), "{:.2f}".format)),
        Column("sambench / it", _ratio),
        Column(
            "gradient evaluations",
            lambda row: measured(row.timed.gradient_evaluations, lambda n: numbers.count(round(n))),
        ),
        Column(
            "validation accuracy", lambda row: measured(100 * row.timed.accuracy, "{:.1f}%".format)
        ),
    )
    return of(rows, columns)


def _ratio(row: _Row) -> Cell:
    found = row.ours_over_it
    return text("") if found is None else Cell(str(found), found.median)
