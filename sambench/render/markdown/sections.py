"""The parts of a page below its answer, from the tidy tables; "" where there is nothing to tell."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import Rankings
from sambench.analysis.tables import BudgetPoint, rows
from sambench.render import texts
from sambench.render.markdown.table import markdown
from sambench.render.tables import costs, of, quoted, radius, ranking, runs, search

Figures = Sequence[tuple[str, str]]
"""Address relative to the page, text for who cannot see it."""


def figures(found: Figures) -> str:
    """All figures, one under the other."""
    return "\n\n".join(f"![{_alt(text)}]({path})" for path, text in found)


def equal_epochs(rankings: Rankings) -> str:
    """The second ranking, beside the baseline that trains no longer than the others."""
    second = rankings.equal_epochs
    if second.baseline is None:
        return f"Not ranked: {rankings.unranked}."
    told = (
        "Here all train the same number of epochs, so the baseline spends less than the others. "
        "The answer above rests on equal compute."
    )
    return f"{told}\n\n{markdown(of(second.standings, ranking.STANDING))}"


def cost(frame: pd.DataFrame) -> str:
    """What a run takes; a star marks the Pareto front."""
    if frame.empty:
        return ""
    told = "Median confirm run. *: no other variant is as accurate (by its mean) for less."
    return f"{markdown(costs.starred(frame))}\n\n{told}"


def sensitivity(frame: pd.DataFrame) -> str:
    """How finely the radius must be tuned."""
    if frame.empty:
        return ""
    told = (
        "Estimated from the search, on validation data; SE: of one run. decades: width of that "
        "interval, the wider the less tuning matters. regret: points lost at the paper's default."
    )
    return f"{markdown(radius.short(frame))}\n\n{told}"


def budget(frame: pd.DataFrame) -> str:
    """What more trials bring."""
    found = [point for point in rows(frame, BudgetPoint) if point.estimator != "V"]
    if not found:
        return ""
    what = "Best so far:" if found[0].estimator == "best so far" else "Expected best"
    told = f"{what} validation accuracy, %, of so many search trials (a diverged one scores 0):"
    return f"{told}\n\n{markdown(search.budget(found))}"


def divergence(frame: pd.DataFrame) -> str:
    """Who diverged in the search, and how often."""
    found = search.diverged(frame)
    if not found:
        return ""
    hit = [f"{label} {lost} of {num}" for label, (num, lost) in found.items() if lost]
    if not hit:
        return f"None of {sum(num for num, _ in found.values()):,} search runs diverged."
    rest = "" if len(hit) == len(found) else "; the others never"
    return f"Diverged in the search: {', '.join(hit)} runs{rest}."


def published(given: Sequence[quoted.Quoted]) -> str:
    """Numbers of papers."""
    if not given:
        return ""
    told = "Published elsewhere, not ranked: other code, other tuning, other machines. ±: sd."
    return f"{told}\n\n{markdown(quoted.table(given))}"


def configurations(frame: pd.DataFrame, folder: str) -> str:
    """Every search run, folded away."""
    if frame.empty:
        return ""
    more = len(frame) - runs.LISTED
    rest = f"\n\nAnd {more:,} more in `{folder}/search.csv`." if more > 0 else ""
    return (
        f"<details><summary>Every configuration: {len(frame):,} search runs</summary>\n\n"
        f"{markdown(runs.configurations(frame))}{rest}\n\n</details>"
    )


def _alt(text: str) -> str:
    return texts.markdown(text.replace("[", "(").replace("]", ")"))
