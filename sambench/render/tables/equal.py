"""The same searches for all: as many trials, as many epochs, whatever they cost."""

from collections.abc import Sequence

from sambench.analysis import NONE, Equal, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text
from sambench.scores import Score


def _columns(score: Score) -> Sequence[Column[Equal]]:
    def difference(row: Equal) -> Cell:
        found = row.difference
        return number(numbers.difference(found, score), found and found.value)

    return (
        Column("arm", lambda row: text(row.label), number=False, hint=ARM),
        Column(
            "schedule",
            lambda row: measured(row.length, "{:.3g}".format),
            hint="Its length, 1 for the study's epochs",
        ),
        Column("trials k", lambda row: measured(row.trials), hint="The same for all arms"),
        Column(
            f"tuned(k), {score.shown_in}",
            lambda row: number(numbers.estimate(row.score, score), row.score.value),
            hint=f"Test {score.words} to expect of a search, ± its 95% interval",
        ),
        Column(
            "compared with",
            lambda row: text(row.plain or NONE),
            number=False,
            hint="The arm of plain with a schedule as long",
        ),
        Column("minus it [95% CI]", difference, hint=f"In {score.gaps}"),
    )


def table(found: Sequence[Equal], score: Score) -> Table:
    """`score`: what the study goes by."""
    return of(found, _columns(score), "At equal trials and epochs")
