"""The ranking: what tuning with the study's budget, or with its fixed settings, is worth."""

from collections.abc import Sequence

from sambench.analysis import NONE, Against, Leaderboard, Row, numbers
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text

RECOMMENDED = "recommended"


def best_plain(rows: Sequence[Row]) -> Row | None:
    """Of the ranked arms of the baseline, that with the highest score."""
    return next((row for row in rows if row.is_baseline and row.group), None)


def against(row: Row, label: str) -> Against | None:
    """How it stands to an arm of the baseline."""
    return next((found for found in row.against if found.label == label), None)


def score(row: Row) -> Cell:
    return number(numbers.accuracy(row.score), row.score and row.score.value)


def difference(row: Row, label: str) -> Cell:
    """From an arm of the baseline, in points."""
    found = against(row, label)
    return number(numbers.difference(found and found.difference), found and found.difference.value)


def trials(row: Row) -> Cell:
    return measured(row.trials, "{:.4g}".format)


def points(row: Row) -> Cell:
    """Of how many, where some are missing."""
    of = "" if row.points == row.planned else f" of {row.planned:,}"
    return number(f"{row.points:,}{of}", row.points)


def cost(row: Row) -> Cell:
    """Of one run, in full runs of the baseline."""
    return measured(row.cost and row.cost.ratio, numbers.ratio)


def seconds(row: Row) -> Cell:
    return measured(row.cost and row.cost.seconds, "{:,.1f}".format)


GROUP = Column[Row](
    "group",
    lambda row: Cell(row.group or NONE, row.group or None),
    number=False,
    hint="Arms that share a letter are not separated",
)
P = Column[Row](
    "Holm p",
    lambda row: measured(row.beats, numbers.p_value),
    hint="One-sided, of not beating every arm of plain, adjusted for the number of arms",
)
TEST_SET = Column[Row](
    "test-set SE",
    lambda row: measured(row.test_set_error, numbers.percent),
    hint="Standard error of the difference over test items, in points",
)
COST: Sequence[Column[Row]] = (
    Column("cost of a run", cost, hint="Counted gradient evaluations, in full runs of plain"),
    Column("seconds", seconds, hint="Of the median complete run; never a ranking"),
)


def columns(leaderboard: Leaderboard) -> list[Column[Row]]:
    """In a study of fixed settings scores are means over paired seeds."""
    rows, fixed = leaderboard.rows, leaderboard.kind == "fixed"
    best = best_plain(rows)

    def arm(row: Row) -> Cell:
        return Cell(row.label, row.label, note=RECOMMENDED if row.label == leaderboard.use else "")

    ranks = any(row.group for row in rows)
    found: list[Column[Row]] = [
        Column[Row]("arm", arm, number=False),
        *([GROUP] if ranks else []),
        Column[Row]("test accuracy, %" if fixed else "tuned(k), %", score, hint="± 95% interval"),
    ]
    if best:
        name = f"minus {best.label} [95% CI]"
        found.append(Column[Row](name, lambda row: difference(row, best.label), hint="In points"))
    if any(row.beats is not None for row in rows):
        found.append(P)
    if fixed:
        found += [
            Column[Row]("seeds", lambda row: measured(row.reruns, numbers.count)),
            Column[Row]("diverged", lambda row: measured(row.diverged_reruns, numbers.count)),
        ]
    else:
        found += [
            Column[Row]("trials k", trials, hint="That the budget affords"),
            Column[Row]("points", points),
            Column[Row]("diverged", lambda row: measured(row.diverged_points, numbers.count)),
        ]
    return [*found, *COST, *([TEST_SET] if best else [])]


def table(leaderboard: Leaderboard, left_out: Sequence[str] = ()) -> Table:
    """A line per arm; that of the recommended one stands out."""
    labels = [row.label for row in leaderboard.rows]
    marked = labels.index(leaderboard.use) if leaderboard.use in labels else None
    shown = [column for column in columns(leaderboard) if column.name not in left_out]
    return of(leaderboard.rows, shown, caption(leaderboard), filtered=True, marked=marked)


def caption(leaderboard: Leaderboard) -> str:
    """What the table shows, which is no ranking where nothing was concluded."""
    where = (
        "at the settings of the study"
        if leaderboard.kind == "fixed"
        else f"at a budget of {leaderboard.size.budget:g} full runs of plain"
    )
    ranked = any(row.group for row in leaderboard.rows)
    return f"Ranking {where}" if ranked else f"Scores {where}, not ranked"


def each_plain(leaderboard: Leaderboard) -> Table:
    """The differences from every arm of the baseline: who beats plain beats all of them."""
    ranked = [row for row in leaderboard.rows if row.group]
    bases = [column for row in ranked if row.is_baseline for column in _over(row.label)]
    found = [
        Column[Row]("arm", lambda row: text(row.label), number=False),
        *bases,
        P,
        Column[Row]("beats plain", lambda row: text("yes" if row.wins else "no"), number=False),
    ]
    return of([row for row in ranked if row.against], found, "Against each arm of plain")


def _over(label: str) -> list[Column[Row]]:
    """The difference from an arm of the baseline, and its p."""

    def p(row: Row) -> Cell:
        found = against(row, label)
        return measured(found and found.p, numbers.p_value)

    return [
        Column(f"minus {label} [95% CI]", lambda row: difference(row, label), hint="In points"),
        Column(f"p over {label}", p, hint="One-sided, of not above it, unadjusted"),
    ]
