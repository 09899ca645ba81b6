"""The same leaderboard for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.analysis import Leaderboard
from sambench.render import damage_report
from sambench.render.page import answer
from sambench.render.tables import ranking, settings
from sambench.render.terminal.table import fitted

LEFT_TO_THE_PAGE = ("points", "diverged", "seconds", "test-set SE")


def render(leaderboard: Leaderboard) -> RenderableType:
    """Answer, warnings, and as much of the table as fits 80 columns."""
    ranks = leaderboard.kind != "adaptive"
    shown = ranking.table(leaderboard, LEFT_TO_THE_PAGE) if ranks else settings.table(leaderboard)
    left = [f"not ranked: {line}" for line in answer.unranked(leaderboard)]
    return Group(
        Text(leaderboard.headline, style="bold"),
        *(Text(f"{name}: {told}") for name, told in answer.answer(leaderboard)),
        Text(),
        *(Text(line, style="red") for line in [damage_report.summary(leaderboard)] if line),
        *(Text(f"! {line}", style="red") for line in damage_report.listed(leaderboard)),
        fitted(shown),
        *(Text(f"! {line}", style="yellow") for line in (*left, *leaderboard.warnings)),
    )
