"""The ranking: what tuning with the study's budget, or with its fixed settings, is worth."""

from collections.abc import Iterator, Sequence
from functools import partial

from sambench.analysis import NONE, Against, Leaderboard, Row, numbers
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text
from sambench.scores import Score

RECOMMENDED = "recommended"


def best_plain(rows: Sequence[Row]) -> Row | None:
    """Of the ranked arms of the baseline, the best."""
    return next((row for row in rows if row.is_baseline and row.group), None)


def against(row: Row, label: str) -> Against | None:
    """How it stands to an arm of the baseline."""
    return next((found for found in row.against if found.label == label), None)


def scored(row: Row, score: Score) -> Cell:
    return number(numbers.estimate(row.score, score), row.score and row.score.value)


def difference(row: Row, label: str, score: Score) -> Cell:
    """From an arm of the baseline."""
    found = against(row, label)
    own = found and found.difference
    return number(numbers.difference(own, score), own and own.value)


def trials(row: Row) -> Cell:
    return measured(row.trials, "{:.4g}".format)


def cost(row: Row) -> Cell:
    """Of one run, in full runs of the baseline."""
    return measured(row.cost and row.cost.ratio, numbers.ratio)


SEARCHED = Column[Row]("trials k", trials, hint="Random points that the budget affords")
P = Column[Row](
    "Holm p",
    lambda row: measured(row.beats, numbers.p_value),
    hint="One-sided, of not beating every arm of plain, adjusted for the number of arms",
)
COST = Column[Row](
    "cost of a run", cost, hint="Counted gradient evaluations, in full runs of plain"
)
GROUP = Column[Row](
    "group",
    lambda row: Cell(row.group or NONE, row.group or None),
    number=False,
    hint="Arms that share a letter are not separated",
)
TEST_SET = "test-set SE"


def _test_set(score: Score) -> Column[Row]:
    return Column(
        TEST_SET,
        lambda row: measured(row.test_set_error, partial(numbers.score, of=score)),
        hint="Standard error over test items of the difference from the best plain, in "
        f"{score.gaps}",
    )


def columns(leaderboard: Leaderboard) -> Iterator[Column[Row]]:
    """As many as a phone shows; in a study of fixed settings scores are means over seeds."""
    rows = leaderboard.rows
    best = best_plain(rows)
    score = leaderboard.score

    def arm(row: Row) -> Cell:
        return Cell(row.label, row.label, note=RECOMMENDED if row.label == leaderboard.use else "")

    yield Column[Row]("arm", arm, number=False, hint=ARM)
    if leaderboard.kind == "fixed":
        yield Column[Row](
            score.named("test"),
            lambda row: scored(row, score),
            hint="Mean over seeds ± its 95% interval",
        )
    else:
        yield Column[Row](
            f"tuned(k), {score.shown_in}",
            lambda row: scored(row, score),
            hint=f"Test {score.words} to expect of a search, ± its 95% interval",
        )
    yield COST
    if best:
        name = f"minus {best.label} [95% CI]"
        yield Column[Row](
            name,
            lambda row: difference(row, best.label, score),
            hint=f"From the best plain, in {score.gaps}",
        )
    if any(row.group for row in rows):
        yield GROUP


def table(leaderboard: Leaderboard, *further: Column[Row]) -> Table:
    """A line per arm; that of the recommended one stands out."""
    labels = [row.label for row in leaderboard.rows]
    marked = labels.index(leaderboard.use) if leaderboard.use in labels else None
    shown = [*columns(leaderboard), *further]
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
    """Who beats plain beats every arm of it: what the ranking does not say of that."""
    ranked = [row for row in leaderboard.rows if row.group]
    best, score = best_plain(ranked), leaderboard.score
    bases = [column for row in ranked if row.is_baseline for column in _over(row, best, score)]
    found = [
        Column[Row]("arm", lambda row: text(row.label), number=False, hint="All but plain's own"),
        *bases,
        P,
        Column[Row](
            "beats plain",
            lambda row: text("yes" if row.wins else "no"),
            number=False,
            hint=f"Holm p below {leaderboard.size.alpha / 2:.4g}",
        ),
        _test_set(score),
    ]
    table = of([row for row in ranked if row.against], found, "Against each arm of plain")
    return table.without_empty([TEST_SET])


def _over(base: Row, best: Row | None, score: Score) -> Iterator[Column[Row]]:
    """The difference from an arm of the baseline, unless the ranking has it, and its p."""
    label = base.label

    def p(row: Row) -> Cell:
        found = against(row, label)
        return measured(found and found.p, numbers.p_value)

    if base != best:
        yield Column(
            f"minus {label} [95% CI]",
            lambda row: difference(row, label, score),
            hint=f"In {score.gaps}",
        )
    hint = f"One-sided, of not lying {score.ahead} it, unadjusted"
    yield Column(f"p over {label}", p, hint=hint)
