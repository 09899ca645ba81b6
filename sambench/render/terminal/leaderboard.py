"""The same leaderboard for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.analysis import Leaderboard
from sambench.render import damage_report
from sambench.render.page import answer
from sambench.render.tables import ranking, settings
from sambench.render.terminal.table import fitted


def render(leaderboard: Leaderboard) -> RenderableType:
    """Answer, table and warnings of the page."""
    ranks = leaderboard.kind != "adaptive"
    shown = ranking.table(leaderboard) if ranks else settings.table(leaderboard)
    left = [f"not ranked: {line}" for line in answer.unranked(leaderboard)]
    return Group(
        Text(leaderboard.headline, style="bold"),
        *(Text(f"{name}: {told}") for name, told in answer.answer(leaderboard)),
        Text(),
        *(
            Text(line, style="red")
            for line in [damage_report.summary(leaderboard, "records.csv")]
            if line
        ),
        *(Text(f"! {line}", style="red") for line in damage_report.listed(leaderboard)),
        *(Text(shown.caption) for _ in range(not ranks)),
        fitted(shown),
        *(Text(line) for line in [shown.after] if line),
        *(Text(f"! {line}", style="yellow") for line in (*left, *leaderboard.warnings)),
    )
