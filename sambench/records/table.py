"""The records of a study in memory: a frame for whoever counts, one by one for whoever reads."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from sambench.records.damage import Damage
from sambench.records.record import KINDS, Record

CATEGORIES = ("study", "variant", "key", "stage", "outcome", "device", "torch", "source")
"""Columns of few different texts, as pandas categories in alphabetical order."""
DTYPES: dict[str, Any] = {
    name: kind if kind in (str, int) else float for name, kind in KINDS.items()
} | dict.fromkeys(CATEGORIES, "category")


class Records:
    """All runs of a study, the header that says where they come from, and what was damaged."""

    def __init__(
        self,
        header: dict[str, Any],
        runs: Iterable[Record] | pd.DataFrame,
        damages: Sequence[Damage] = (),
    ) -> None:
        self.header = header
        self.frame = runs if isinstance(runs, pd.DataFrame) else _frame(tuple(runs))
        """One row per run, one column per field of Record, NaN where nothing was measured."""
        self.damages = tuple(damages)
        """Lines that do not count; the rest is in the frame."""

    @cached_property
    def complete(self) -> pd.DataFrame:
        """The complete confirm runs, see `complete_confirm`."""
        return complete_confirm(self.frame)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Every row as a Record: slow for big studies."""
        return tuple(as_records(self.frame))


def complete_confirm(frame: pd.DataFrame) -> pd.DataFrame:
    """The complete confirm runs of a frame, one per variant and seed, ordered by both.

    Where a seed was confirmed twice, with two configurations, the one of the lower trial counts.
    """
    complete = (frame["stage"] == "confirm") & (frame["outcome"] == "complete")
    runs = frame.loc[(complete & frame["test_accuracy"].notna()).to_numpy()]
    runs = runs.sort_values(["variant", "seed", "trial"], ignore_index=True)
    return runs.drop_duplicates(["variant", "seed"], ignore_index=True)


def as_records(frame: pd.DataFrame) -> Iterator[Record]:
    """The rows of a frame as records."""
    columns = [_cells(frame[name], kind) for name, kind in KINDS.items()]
    return (Record(*cells) for cells in zip(*columns, strict=True))


def _frame(runs: Sequence[Record]) -> pd.DataFrame:
    columns = {name: [getattr(run, name) for run in runs] for name in KINDS}
    return typed(pd.DataFrame(columns, columns=pd.Index(KINDS)))


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with the dtypes of records."""
    frame = frame.astype(DTYPES)
    for name in CATEGORIES:
        categories = sorted(frame[name].cat.categories)
        frame[name] = frame[name].cat.set_categories(pd.Index(categories, dtype="str"))
    return frame


def _cells(column: Any, kind: Any) -> list[Any]:
    cells = column.tolist()
    if kind in (str, int, float):
        return cells
    read = int if kind == int | None else float
    return [None if cell != cell else read(cell) for cell in cells]
