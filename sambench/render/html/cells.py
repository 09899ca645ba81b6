"""Tables of the HTML page: what a cell shows, sorts by and links to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sambench.analysis import csv_tables

Key = float | str | None


@dataclass(frozen=True)
class Cell:
    """`key` sorts, None last."""

    text: str
    key: Key = None
    href: str = ""
    note: str = ""  # small, behind the text


@dataclass(frozen=True)
class Column:
    """A number column is aligned to the right and sorts downwards first."""

    name: str
    number: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """Sortable; `filtered` has a field to filter its rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    filtered: bool = False
    muted: bool = False
    marked: str = ""  # text of the first-column cell whose row stands out
    after: str = ""  # a sentence below
    notes: Sequence[str] = field(default_factory=tuple)


def columns(*names: str, numbers: Iterable[str] = (), **hints: str) -> list[Column]:
    numeric = set(numbers)
    return [Column(name, name in numeric, hints.get(name.replace(" ", "_"), "")) for name in names]


def text(words: object) -> Cell:
    """Sorts by its letters."""
    return Cell(str(words), str(words))


def number(shown: str, value: float | None) -> Cell:
    """Sorts by its value as it is published; NaN counts as none."""
    return Cell(shown, None if value is None or value != value else csv_tables.number(float(value)))
