"""The same leaderboard for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.analysis import Leaderboard
from sambench.render import damage_report
from sambench.render.tables import ranking
from sambench.render.terminal.table import fitted

LEFT_TO_THE_PAGE = ("seeds", "test-set SE", "epochs", "step time", "runs")
SHOWN = [column for column in ranking.COLUMNS if column.name not in LEFT_TO_THE_PAGE]


def render(leaderboard: Leaderboard) -> RenderableType:
    """Answer, recommendation, warnings, and as much of the table as fits 80 columns."""
    return Group(
        Text(leaderboard.headline, style="bold"),
        Text(f"Use this: {leaderboard.advice}\n"),
        *(Text(line, style="red") for line in [damage_report.summary(leaderboard)] if line),
        *(Text(f"! {line}", style="red") for line in damage_report.listed(leaderboard)),
        fitted(ranking.table(leaderboard, SHOWN)),
        *(Text(f"! {warning}", style="yellow") for warning in leaderboard.warnings),
    )
