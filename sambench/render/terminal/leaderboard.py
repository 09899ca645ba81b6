"""The same leaderboard for a terminal."""

from collections.abc import Sequence
from itertools import compress

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sambench.analysis import Analysis
from sambench.render import damage
from sambench.render.markdown.table import COLUMNS, cells

LEFT_TO_THE_PAGE = {"seeds", "test-set SE", "epochs", "step time", "runs"}


def render(analysis: Analysis) -> RenderableType:
    """Answer, recommendation, warnings, and as much of the table as fits 80 columns."""
    return Group(
        Text(analysis.headline, style="bold"),
        Text(f"Use this: {analysis.advice}\n"),
        *(Text(line, style="red") for line in [damage.summary(analysis)] if line),
        *(Text(f"! {line}", style="red") for line in damage.listed(analysis)),
        _table(analysis),
        *(Text(f"! {warning}", style="yellow") for warning in analysis.warnings),
    )


def _table(analysis: Analysis) -> Table:
    shown = [name not in LEFT_TO_THE_PAGE for name in COLUMNS]
    lines = [list(compress(cells(row), shown)) for row in analysis.rows]
    best = [row.label == analysis.use for row in analysis.rows]
    return fitted(list(compress(COLUMNS, shown)), lines, best)


def fitted(
    columns: Sequence[str], lines: Sequence[Sequence[str]], bold: Sequence[bool] = ()
) -> Table:
    """A table in which only headers wrap: a number broken in two is misread."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for i, name in enumerate(columns):
        width = max(map(len, [*name.split(), *(line[i] for line in lines)]))
        table.add_column(Text(name), width=width)
    for line, strong in zip(lines, bold or [False] * len(lines), strict=True):
        table.add_row(*map(Text, line), style="bold" if strong else "")
    return table
