"""The two halves of the pools, by the kind of machine that ran them."""

from collections.abc import Sequence

from sambench.analysis import Estimate, Half, numbers
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text


def _score(found: Estimate) -> Cell:
    return number(numbers.accuracy(found), found.value)


def table(found: Sequence[Half]) -> Table:
    """Empty where all ran on one kind."""
    first, second = found[0].machines if found else ("", "")
    columns: Sequence[Column[Half]] = (
        Column("arm", lambda half: text(half.label), number=False),
        Column(f"{first}, %", lambda half: _score(half.scores[0])),
        Column(f"{second}, %", lambda half: _score(half.scores[1])),
        Column(
            "difference [95% CI]",
            lambda half: number(numbers.difference(half.difference), half.difference.value),
            hint="The first minus the second, in points",
        ),
        Column("SE", lambda half: measured(half.error, numbers.percent)),
    )
    return of(found, columns, "The same on two kinds of machines")
