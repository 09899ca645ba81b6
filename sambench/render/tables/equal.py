"""The same searches for all: as many trials, as many epochs, whatever they cost."""

from collections.abc import Sequence

from sambench.analysis import NONE, Equal, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text


def _difference(row: Equal) -> Cell:
    return number(numbers.difference(row.difference), row.difference and row.difference.value)


def _columns(score: str) -> Sequence[Column[Equal]]:
    return (
        Column("arm", lambda row: text(row.label), number=False, hint=ARM),
        Column(
            "schedule",
            lambda row: measured(row.length, "{:.3g}".format),
            hint="Its length, 1 for the study's epochs",
        ),
        Column("trials k", lambda row: measured(row.trials), hint="The same for all arms"),
        Column(
            "tuned(k), %",
            lambda row: number(numbers.accuracy(row.score), row.score.value),
            hint=f"Test {score} to expect of a search, ± its 95% interval",
        ),
        Column(
            "compared with",
            lambda row: text(row.plain or NONE),
            number=False,
            hint="The arm of plain with a schedule as long",
        ),
        Column("minus it [95% CI]", _difference, hint="In points"),
    )


def table(found: Sequence[Equal], score: str) -> Table:
    """`score`: what the study goes by, in words."""
    return of(found, _columns(score), "At equal trials and epochs")
