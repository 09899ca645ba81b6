"""The leaderboard, and how all stand at equal epochs."""

from collections.abc import Sequence

from sambench.analysis import NONE, Leaderboard, Row, Standing, numbers
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text
from sambench.stats import Difference


def _group(row: Standing | Row) -> Cell:
    return Cell(row.group or NONE, row.group or None)


def _accuracy(row: Standing | Row) -> Cell:
    return number(numbers.accuracy(row.accuracy), row.accuracy and row.accuracy.mean)


def _seeds(row: Standing | Row) -> Cell:
    return measured(row.accuracy.n if row.accuracy else 0)


def _gap(row: Standing | Row) -> Difference | None:
    return row.against.difference if row.against else None


def _difference(row: Standing | Row) -> Cell:
    gap = _gap(row)
    return number(numbers.difference(gap), gap and gap.mean)


def _holm_p(row: Standing | Row) -> Cell:
    return measured(row.against and row.against.holm_p, numbers.p_value)


STANDING: Sequence[Column[Standing | Row]] = (
    Column("group", _group, number=False, hint="Variants that share a letter are not separated"),
    Column("variant", lambda row: text(row.label), number=False),
    Column("test accuracy, % ± 95% CI", _accuracy),
    Column("seeds", _seeds),
    Column("minus plain [unadjusted 95% CI]", _difference),
    Column("Holm p", _holm_p, hint="Two-sided paired t test, adjusted for the number of variants"),
)
"""What a comparison says."""


def _runs(row: Row) -> Cell:
    shown = "/".join(str(row.runs[outcome]) for outcome in ("complete", "pruned", "diverged"))
    return number(shown, row.runs["complete"])


COLUMNS: Sequence[Column[Row]] = (
    *STANDING,
    Column(
        "test-set SE",
        lambda row: measured(row.against and row.against.test_set_error, numbers.percent),
        hint="Standard error of the difference over test images, in points",
    ),
    Column("lr", lambda row: measured(row.settings and row.settings.lr, numbers.setting)),
    Column("rho", lambda row: measured(row.settings and row.settings.rho, numbers.setting)),
    Column("epochs", lambda row: measured(row.settings and row.settings.epochs, numbers.count)),
    Column(
        "gradients",
        lambda row: measured(row.cost and row.cost.gradient_evaluations, numbers.count),
    ),
    Column("step time", lambda row: measured(row.cost and row.cost.step_time, numbers.ratio)),
    Column("runs", _runs, number=False, hint="complete/pruned/diverged"),
)


def table(leaderboard: Leaderboard, columns: Sequence[Column[Row]] = COLUMNS) -> Table:
    """A line per variant; that of the recommended one stands out."""
    labels = [row.label for row in leaderboard.rows]
    marked = labels.index(leaderboard.use) if leaderboard.use in labels else None
    caption = "Ranking at equal compute"
    return of(leaderboard.rows, columns, caption, filtered=True, marked=marked)


def _interval(row: Standing | Row) -> Cell:
    gap = _gap(row)
    if gap is None or gap.low is None or gap.high is None:
        return number(NONE, None)
    return number(f"{numbers.points(gap.low)} to {numbers.points(gap.high)}", gap.low)


APART: Sequence[Column[Standing | Row]] = (
    Column(
        "test accuracy, %",
        lambda row: measured(row.accuracy and row.accuracy.mean, numbers.percent),
    ),
    Column("seeds", _seeds),
    Column("minus plain", lambda row: measured((d := _gap(row)) and d.mean, numbers.points)),
    Column("95% CI", _interval),
    Column("Holm p", _holm_p),
    Column("group", lambda row: text(row.group or NONE), number=False),
)
"""The same, its numbers in a column each."""
