"""Tables for a terminal."""

from collections.abc import Mapping

from rich.table import Table as RichTable
from rich.text import Text

from sambench.render.tables import Table
from sambench.render.texts import one_line


def fitted(table: Table) -> RichTable:
    """Only headers wrap: a number broken in two is misread."""
    found = RichTable(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for i, name in enumerate(table.names):
        width = max(map(len, [*name.split(), *(line[i] for line in table.texts)]))
        found.add_column(Text(name), width=width)
    for i, line in enumerate(table.texts):
        found.add_row(*map(Text, line), style="bold" if i == table.marked else "")
    return found


def wrapped(table: Table) -> RichTable:
    """All wraps where the terminal is narrow, numbers' headers first; nothing is cut."""
    found = RichTable(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(table.columns):
        cells = [line[i] for line in table.texts]
        width = max(map(len, [*column.name.split(), *cells])) if column.number else None
        found.add_column(column.name, width=width, overflow="fold")
    for line in table.texts:
        found.add_row(*map(Text, line))
    return found


def labelled(lines: Mapping[str, str]) -> RichTable:
    """A bold name and its text a line."""
    found = RichTable(box=None, show_header=False, pad_edge=False)
    for name, words in lines.items():
        found.add_row(Text(name, style="bold"), Text(one_line(words)))
    return found
