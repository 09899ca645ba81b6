"""Pictures whose labels stand in a table: a row each, with the path, beside the table or below."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sambench.errors import UserError, echo, nearest
from sambench.tasks import frames
from sambench.tasks.images.listing import PARTS, Listing, Picture, short

if TYPE_CHECKING:
    import pandas as pd

PART = "split"
"""The column that tells the part of each picture, where none is named."""
FEWEST = 2  # pictures of a class, on average


class Columns(NamedTuple):
    path: str
    label: tuple[str, ...]
    """one, or of several labels each a column of 0 and 1 for every label"""
    part: str | None
    separator: str | None
    """between several labels in one column"""

    @property
    def several(self) -> bool:
        """Whether a picture has any number of labels."""
        return self.separator is not None or len(self.label) > 1


class _Row(NamedTuple):
    path: str
    labels: tuple[str, ...]
    part: str
    """a key of PARTS; "" where the table has none"""


@dataclass(frozen=True)
class Table:
    """The classes are the different labels, in the order of numbers if they are, else of text."""

    file: Path
    columns: Columns

    @property
    def name(self) -> str:
        return short(self.file)

    def scan(self) -> Listing:
        """UserError for what is no table of pictures, and for pictures that are not there."""
        if not self.file.is_file():
            raise UserError(f"task.dataset: no file {self.name}")
        rows = _rows(self.file, self.columns, self.file.stat().st_mtime_ns)
        found = frames.in_order({label for row in rows for label in row.labels})
        classes = self.columns.label if len(self.columns.label) > 1 else found
        most = len(rows) if self.columns.several else len(rows) // FEWEST
        if not 2 <= len(classes) <= most:
            raise UserError(
                f"task.label: {len(classes)} different labels of {len(rows)} pictures are no "
                "classes to learn"
            )
        code = {label: number for number, label in enumerate(classes)}
        pictures = {
            part: tuple(self._picture(row, code) for row in rows if row.part == part)
            for part in ("", *PARTS)
        }
        train, val, test = (pictures[part] for part in PARTS)
        if pictures[""]:
            note = f"no column {PART}: a test set, the same for all seeds, is drawn from all rows"
            return Listing(classes, pictures[""], None, (note,))
        if not train:
            raise UserError(f"task.part: {self.name} has no picture whose part is train")
        told = f"column {self.columns.part or PART} tells"
        if test:
            joins = "; val joins train, from which every seed draws a validation set" if val else ""
            note = f"{told} {len(train) + len(val)} pictures from {len(test)} test pictures{joins}"
            return Listing(classes, train + val, test, (note,))
        if val:
            return Listing(classes, train, val, (f"{told} no test set: val serves as one",))
        return Listing(classes, train, None, (f"{told} no test set: one is drawn",))

    def _picture(self, row: _Row, code: Mapping[str, int]) -> Picture:
        path = os.path.join(self.file.parent, row.path)
        if not os.path.isfile(path):
            column = echo(self.columns.path)
            raise UserError(
                f"task.dataset: {self.name}: no picture {short(path)}, named in {column}"
            )
        codes = tuple(code[label] for label in row.labels)
        name = "/".join(filter(None, (row.part, "+".join(row.labels), row.path)))
        return Picture(path, codes if self.columns.several else codes[0], name)


@lru_cache(maxsize=1)
def _rows(file: Path, columns: Columns, stamp: int) -> tuple[_Row, ...]:
    """`stamp` makes that a table is read again once it has changed."""
    frame = frames.read("dataset", file)
    paths = frames.words(frame, file, "path", columns.path)
    (path, times), *_ = Counter(map(os.path.normpath, paths)).most_common(1)
    if times > 1:
        raise UserError(f"task.path: {short(file)} names {echo(path)} {times} times; keep one row")
    labels = _labels(frame, file, columns)
    parts = ("",) * len(paths)
    if columns.part is not None or PART in frame:
        parts = frames.words(frame, file, "part", columns.part or PART)
    return tuple(map(_Row, paths, labels, map(_part, parts)))


def _labels(frame: "pd.DataFrame", file: Path, columns: Columns) -> list[tuple[str, ...]]:
    """Of each row."""
    if not columns.several:
        return [(label,) for label in frames.words(frame, file, "label", columns.label[0])]
    cells = [frames.column(frame, file, "label", name) for name in columns.label]
    if columns.separator is not None:
        lists = (frames.word(cell).split(columns.separator) for cell in cells[0])
        return [tuple(sorted({own.strip() for own in found} - {""})) for found in lists]
    for name, column in zip(columns.label, cells, strict=True):
        if wrong := [cell for cell in map(frames.word, column) if cell not in ("0", "1")]:
            raise UserError(
                f"task.label: {echo(name)} of {short(file)} must hold 0 and 1, got {echo(wrong[0])}"
            )
    return [
        tuple(
            name for name, cell in zip(columns.label, row, strict=True) if frames.word(cell) == "1"
        )
        for row in zip(*cells, strict=True)
    ]


def _part(given: str) -> str:
    """Its key of PARTS; UserError for a word that is none of theirs."""
    known = {word: part for part, words in PARTS.items() for word in words}
    if given and given.lower() not in known:
        raise UserError(f"task.part: unknown part {echo(given)}, {nearest(given.lower(), known)}")
    return known[given.lower()] if given else ""
