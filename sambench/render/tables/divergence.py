"""Who diverged, in the pool and when retrained."""

from collections.abc import Sequence

from sambench.analysis import NONE, Row, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text


def _share(row: Row) -> Cell:
    low, high = map(numbers.percent, row.diverged_share)
    return number(f"{low} to {high}" if row.reruns else NONE, row.diverged_share[0])


COLUMNS: Sequence[Column[Row]] = (
    Column("arm", lambda row: text(row.label), number=False, hint=ARM),
    Column("points", lambda row: measured(row.points, numbers.count), hint="That ended"),
    Column(
        "diverged",
        lambda row: measured(row.diverged_points, numbers.count),
        hint="Points among them; no search picks them",
    ),
    Column(
        "searches without a survivor, %",
        lambda row: measured(row.no_survivor, numbers.percent),
        hint="The chance that all points of a search diverge",
    ),
    Column(
        "reruns",
        lambda row: measured(row.reruns, numbers.count),
        hint="Runs on fresh streams that the test set scores",
    ),
    Column(
        "diverged reruns",
        lambda row: measured(row.diverged_reruns, numbers.count),
        hint="They leave the mean",
    ),
    Column(
        "their share, % [exact 95% CI]",
        _share,
        hint="Of reruns that would diverge (Clopper-Pearson)",
    ),
)


def table(rows: Sequence[Row]) -> Table:
    """Empty where nobody diverged."""
    hit = any(row.diverged_points or row.diverged_reruns for row in rows)
    return of(rows if hit else (), COLUMNS, "Divergence")
