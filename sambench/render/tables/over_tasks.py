"""Every variant over all tasks, also study by study."""

from collections.abc import Mapping, Sequence

from sambench.analysis import NONE, Estimate, PublishedStudy, Row, numbers
from sambench.analysis.tables import OverTasks, over_tasks, rows
from sambench.render.tables import ranking
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text
from sambench.scores import ACCURACY, Score

VARIANT = "As the studies label it"
TASKS = "That rank it"
MEAN = "Mean over tasks of the lead over the best plain, in points"
BETTER, WORSE, TIE = "▲", "▼", "="
MOST = 8
"""Studies that have a column each; of more nobody reads across."""
LEGEND = (
    "Mean over tasks of the lead over the best plain, in points. A task (data, noise, model, "
    "recipe) counts once, however many studies it has. Below five tasks the interval speaks for "
    "these very tasks; from five on it holds the variation between tasks, and speaks for such ones."
)
ABOVE = "Points above the best plain of this study"
OTHERWISE = "Minus the best plain"


def legend(studies: Sequence[PublishedStudy]) -> list[str]:
    """With what is in no mean."""
    apart = [study.leaderboard for study in studies if not study.leaderboard.score.in_percent]
    told = ", ".join(f"{board.study} ({board.score.words})" for board in apart)
    return [LEGEND, *([f"In no mean, since its unit is another: {told}."] if apart else [])]


def _is_in_points(score: Score) -> bool:
    """Whether what is better has more of them."""
    return score.in_percent and score.sign > 0


def overall(studies: Sequence[PublishedStudy]) -> list[OverTasks]:
    """The largest mean first; empty where no variant has two tasks."""
    return rows(over_tasks([study.evidence for study in studies]), OverTasks)


def _mean(row: OverTasks | None) -> Cell:
    if row is None:
        return number(NONE, None)
    return number(
        numbers.difference(Estimate(row.difference, row.low, row.high), ACCURACY), row.difference
    )


def _speaks(row: OverTasks) -> Cell:
    return text("for such tasks" if row.beyond else "for these tasks")


def _tasks(row: OverTasks | None) -> Cell:
    return measured(row and row.tasks)


SHORT: Sequence[Column[OverTasks]] = (
    Column("variant", lambda row: text(row.variant), number=False, hint=VARIANT),
    Column("tasks", _tasks, hint=TASKS),
    Column("minus best plain [95% CI]", _mean, hint=MEAN),
    Column("speaks", _speaks, number=False, hint="Of which tasks the interval tells"),
)


def short(found: Sequence[OverTasks]) -> Table:
    return of(found, SHORT)


def by_study(studies: Mapping[str, PublishedStudy], hrefs: Mapping[str, str]) -> Table | None:
    """None where there is nothing to put together: fewer than two studies, or too many for columns
    and no variant with several tasks; `hrefs`: registry key -> what is told of the variant."""
    found = {row.variant: row for row in overall(list(studies.values()))}
    wide = len(studies) > MOST
    if len(studies) < 2 or (wide and not found):
        return None
    boards = [study.leaderboard for study in studies.values()]
    keys = {row.label: row.key for own in boards for row in own.rows if not row.is_baseline}

    def lead(study: PublishedStudy) -> Column[str]:
        own = {row.label: row for row in study.leaderboard.rows}
        best, score = ranking.best_plain(study.leaderboard.rows), study.leaderboard.score
        return Column(
            study.leaderboard.study,
            lambda label: _lead(own.get(label), best, score),
            hint=ABOVE if _is_in_points(score) else f"{OTHERWISE}, in {score.gaps}",
        )

    columns: list[Column[str]] = [
        Column("variant", lambda x: Cell(x, x, hrefs.get(keys[x], "")), number=False, hint=VARIANT)
    ]
    if found:
        columns += (
            Column[str]("tasks", lambda label: _tasks(found.get(label)), hint=TASKS),
            Column[str](
                "mean over tasks [95% CI]", lambda label: _mean(found.get(label)), hint=MEAN
            ),
        )
    columns += map(lead, studies.values() if not wide else ())
    points = all(_is_in_points(board.score) for board in boards)
    lead_in = ABOVE.replace("this", "a") if points else f"{OTHERWISE} of a study, in its own unit"
    signs = (
        f"{lead_in}. {BETTER} beats every plain, {WORSE} worse than "
        f"the best of them, {TIE} neither."
    )
    after = "Study by study: where each variant is told of." if wide else signs
    order = sorted(
        found if wide else keys, key=lambda x: (-found[x].difference if x in found else 1.0, x)
    )
    notes = legend(list(studies.values())) if found else []
    return of(order, columns, "Across studies", filtered=True, after=after, notes=notes)


def _lead(row: Row | None, best: Row | None, score: Score) -> Cell:
    """Over the best arm of the baseline, and what the study claims of it."""
    found = row and best and ranking.against(row, best.label)
    if not (row and best and found):
        return number(NONE, None)
    gap = found.difference.value
    separated = not set(row.group) & set(best.group)
    sign = BETTER if row.wins else WORSE if separated and score.sign * gap < 0 else TIE
    return number(f"{numbers.gap(gap, score)} {sign}", score.sign * gap)
