"""The tables of what measures cost, for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Prices
from sambench.render.markdown import prices as page
from sambench.render.tables import prices as tables
from sambench.render.terminal.table import fitted


def render(found: Prices) -> RenderableType:
    """What the page says of it."""
    return Group(
        Text(f"{page.runs(found)}\n"),
        fitted(tables.of_runs(found)),
        Text(f"\n{page.measures(found)}\n"),
        fitted(tables.of_measures(found)),
    )
