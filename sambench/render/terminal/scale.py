"""The tables of what studies cost beside training, for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Scale
from sambench.render.markdown import scale as page
from sambench.render.tables import scale as tables
from sambench.render.terminal.table import fitted


def render(scale: Scale) -> RenderableType:
    """What the page says of it."""
    return Group(
        Text(f"{page.STORING}\n"),
        fitted(tables.storing(scale)),
        Text(f"\n{page.DISPATCHING}\n"),
        fitted(tables.dispatching(scale)),
        Text(f"\n{page.STARTING}\n"),
        fitted(tables.starting(scale)),
        Text(f"\n{page.REPORTING}\n"),
        fitted(tables.reporting(scale)),
    )
