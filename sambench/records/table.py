"""The records of a study in memory: a frame for whoever counts, one by one for whoever reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from sambench.records.damage import Damage
from sambench.records.record import FIXED, NAMED, Quantity, Record, cell, kinds
from sambench.scores import Score

CATEGORIES = (
    "study",
    "variant",
    "key",
    "stage",
    "outcome",
    "device",
    "processor",
    "instructions",
    "torch",
    "data",
    "source",
)
"""Columns of few different texts, as pandas categories in alphabetical order."""


class Records:
    """All runs of a study, the header that says where they come from, and what was damaged."""

    def __init__(
        self,
        header: dict[str, Any],
        runs: Iterable[Record] | pd.DataFrame,
        damages: Sequence[Damage] = (),
        lines: Sequence[int] | pd.Index = (),
    ) -> None:
        self.header = header
        self.kinds = kinds_of(header)
        """Columns of the frame, and their types."""
        whole = isinstance(runs, pd.DataFrame)
        self.frame = runs if whole else _frame(tuple(runs), self.kinds)
        """One row per run, NaN where nothing was measured."""
        self.damages = tuple(damages)
        """Lines that do not count; the rest is in the frame."""
        self.lines = lines
        """Of the file, one per row; empty where the rows stand in none."""

    @property
    def objective(self) -> str:
        """The name of the score that tuning goes by."""
        return self.header["objective"]

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Every row as a Record: slow for big studies."""
        return tuple(as_records(self.frame))


def kinds_of(header: Mapping[str, Any]) -> dict[str, object]:
    """The columns of a file with this header, and their types."""
    scores = [Score(**score) for score in header["scores"]]
    return kinds(scores, quantities(header))


def quantities(header: Mapping[str, Any]) -> list[Quantity]:
    """What was measured of weights, in the order of the columns."""
    return [Quantity(**quantity) for quantity in header["measures"]]


def as_records(frame: pd.DataFrame) -> Iterator[Record]:
    """The rows of a frame as records."""
    columns = [_cells(pd.Series(frame[name]), kind) for name, kind in FIXED.items()]
    named = [_named(frame, field, start) for field, start in NAMED.items()]
    return (Record(*cells) for cells in zip(*columns, *named, strict=True))


def _named(frame: pd.DataFrame, field: str, start: str) -> list[dict[str, Any]]:
    """Of each row the values whose columns begin so, by name."""
    kind = str if field in ("items", "details") else float | None
    names = [name for name in frame.columns if name.startswith(start) and name not in FIXED]
    cells = [_cells(pd.Series(frame[name]), kind) for name in names]
    keys = [name.removeprefix(start) for name in names]
    rows = zip(*cells, strict=True) if cells else [()] * len(frame)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _frame(runs: Sequence[Record], kinds: Mapping[str, object]) -> pd.DataFrame:
    columns = {name: [cell(run, name) for run in runs] for name in kinds}
    return typed(pd.DataFrame(columns, columns=pd.Index(kinds)), kinds)


def dtypes(kinds: Mapping[str, object]) -> Mapping[str, type | str]:
    """What pandas keeps columns of these types as."""
    plain = {name: kind if kind is str or kind is int else float for name, kind in kinds.items()}
    return {**plain, **dict.fromkeys(CATEGORIES, "category")}


def typed(frame: pd.DataFrame, kinds: Mapping[str, object]) -> pd.DataFrame:
    """The same with the dtypes of records."""
    frame = frame.astype(dtypes(kinds))
    for name in CATEGORIES:
        categories = sorted(frame[name].cat.categories)
        frame[name] = frame[name].cat.set_categories(pd.Index(categories, dtype="str"))
    return frame


def _cells(column: pd.Series, kind: object) -> list[Any]:
    cells = column.tolist()
    if kind in (str, int, float):
        return cells
    read = int if kind == int | None else float
    return [None if cell != cell else read(cell) for cell in cells]
