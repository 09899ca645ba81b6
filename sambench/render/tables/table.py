"""A table before it has a format: columns, and cells that say what they show, sort by and link to.

>>> of(["sam"], [Column("variant", text), Column("letters", lambda word: measured(len(word)))]).rows
[[Cell(text='sam', key='sam', href='', note=''), Cell(text='3', key=3.0, href='', note='')]]
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Never, TypeVar

from sambench.analysis import NONE, csv_tables

ARM = "A variant with its ranges and schedule"
"""Hint of a column of arms."""

Key = float | str | None
T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class Cell:
    """`key` sorts, None last."""

    text: str
    key: Key = None
    href: str = ""
    note: str = ""  # small, behind the text


@dataclass(frozen=True)
class Column(Generic[T_contra]):
    """A number column is aligned to the right and sorts downwards first."""

    name: str
    cell: Callable[[T_contra], Cell]
    number: bool = True
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """Where readers can sort it; `filtered` has a field to filter its rows."""

    columns: Sequence[Column[Never]]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    filtered: bool = False
    muted: bool = False
    marked: int | None = None  # the row that stands out
    after: str = ""  # a sentence below
    notes: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def texts(self) -> list[list[str]]:
        """What the cells show, by row."""
        return [[cell.text for cell in row] for row in self.rows]

    def linked(self, hrefs: Mapping[str, str]) -> "Table":
        """With an address behind each text of the first column that has one."""
        rows = [
            [replace(first, href=hrefs.get(first.text, first.href)), *rest]
            for first, *rest in self.rows
        ]
        return replace(self, rows=rows)

    def without_empty(self, names: Collection[str]) -> "Table":
        """Without those of these columns in which nothing is known."""
        blank = ("", NONE)
        empty = {x for i, x in enumerate(self.names) if all(r[i].text in blank for r in self.rows)}
        return self.without(empty & set(names))

    def without(self, names: Collection[str]) -> "Table":
        """Without these columns."""
        kept = [i for i, name in enumerate(self.names) if name not in names]
        rows = [[row[i] for i in kept] for row in self.rows]
        return replace(self, columns=[self.columns[i] for i in kept], rows=rows)


def of(
    rows: Iterable[T],
    columns: Sequence[Column[T]],
    caption: str = "",
    *,
    filtered: bool = False,
    muted: bool = False,
    marked: int | None = None,
    after: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """A line for each of the rows."""
    cells = [[column.cell(row) for column in columns] for row in rows]
    return Table(columns, cells, caption, filtered, muted, marked, after, notes)


def text(words: object) -> Cell:
    """Sorts by its letters."""
    return Cell(str(words), str(words))


def number(shown: str, value: float | None) -> Cell:
    """Sorts by its value as it is published; NaN counts as none."""
    return Cell(shown, None if value is None or value != value else csv_tables.number(float(value)))


def measured(value: float | None, write: Callable[[float], str] = str) -> Cell:
    """A dash where nothing was measured: None or NaN."""
    return number(NONE if value is None or value != value else write(value), value)
