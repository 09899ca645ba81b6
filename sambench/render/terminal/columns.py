"""Tables that give up columns where a terminal is narrow."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.table import Table as RichTable
from rich.text import Text

from sambench.analysis import numbers
from sambench.scores import Score

GAP = 2  # columns of the terminal between two of a table
LEAST_LABEL = 8  # characters of an arm's, where it is shortened
ESSENTIAL = 3  # the rank up to which columns go before whole labels


class Column(NamedTuple):
    """A name and a text per row."""

    name: str
    texts: list[str]
    rank: int
    """where there is no room, columns of higher ranks are left out"""
    right: bool = True

    @property
    def width(self) -> int:
        return max(map(len, [self.name, *self.texts]))


def drawn(columns: Sequence[Column], width: int, styles: Sequence[str]) -> RichTable:
    """As many of the columns as fit, by rank; labels are whole where the essential ones fit."""
    first, *others = columns
    others.sort(key=lambda column: column.rank)
    essential = sum(column.width + GAP for column in others if column.rank <= ESSENTIAL)
    label = min(first.width, max(LEAST_LABEL, width - essential))
    kept, room = [first], width - label
    for column in others:
        if column.width + GAP > room:
            break
        kept.append(column)
        room -= column.width + GAP
    found = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    kept = [column for column in columns if column in kept]
    for column in kept:
        side = "right" if column.right else "left"
        size = label if column is first else column.width
        found.add_column(column.name, justify=side, width=size, no_wrap=True, overflow="ellipsis")
    for texts, style in zip(zip(*(c.texts for c in kept), strict=True), styles, strict=True):
        found.add_row(*map(Text, texts), style=style)
    return found


def shown(score: float | None, of: Score) -> str:
    return "" if score is None else numbers.told(score, of)


def some(num: int) -> str:
    return str(num) if num else ""
