"""The table of what a trial takes beside one that is written by hand, for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Trials
from sambench.render.markdown import trials as page
from sambench.render.tables import trials as tables
from sambench.render.terminal.table import fitted


def render(found: Trials) -> RenderableType:
    """What the page says of it."""
    return Group(
        Text(f"{page.trials(found)}\n"),
        fitted(tables.of_programs(found)),
        *(Text(f"\n{note}") for note in found.notes),
    )
