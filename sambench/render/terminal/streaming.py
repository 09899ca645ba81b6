"""The tables of how fast the pictures of a folder come, for a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.bench import Streaming
from sambench.render.markdown import streaming as page
from sambench.render.tables import streaming as tables
from sambench.render.terminal.table import fitted


def render(found: Streaming) -> RenderableType:
    """What the page says of it."""
    return Group(
        Text(f"{page.epochs(found)}\n"),
        fitted(tables.of_training(found)),
        Text(),
        fitted(tables.of_reading(found)),
    )
