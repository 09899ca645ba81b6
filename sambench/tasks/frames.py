"""Tables in files: read as they are written, and their columns by name."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.errors import UserError, echo, nearest, said

if TYPE_CHECKING:
    import pandas as pd

FILES = (".csv", ".tsv", ".parquet")


def read(key: str, path: Path) -> "pd.DataFrame":
    """Everything as it is written: a word that reads None or NA is a word."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        elif path.suffix.lower() == ".tsv":  # which knows no quotes, and texts have single ones
            options = {"sep": "\t", "quoting": csv.QUOTE_NONE}
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, **options)
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except Exception as error:
        raise UserError(f"task.{key}: {path} cannot be read: {said(error)}") from None
    if not len(frame):
        raise UserError(f"task.{key}: {path} has no rows")
    return frame


def column(frame: "pd.DataFrame", path: Path, key: str, name: str) -> list[object]:
    """UserError at `key` unless there is one of that name."""
    if name not in frame:
        hint = nearest(name, map(str, frame.columns))
        raise UserError(f"task.{key}: {path} has no column {echo(name)}, {hint}")
    return frame[name].tolist()


def words(frame: "pd.DataFrame", path: Path, key: str, name: str) -> tuple[str, ...]:
    """A column with a word in every row."""
    found = [word(own) for own in column(frame, path, key, name)]
    if num := sum(not own for own in found):
        raise UserError(
            f"task.{key}: {echo(name)} is missing in {num} of {len(found)} rows of {path}"
        )
    return tuple(found)


def word(value: object) -> str:
    """Of a label: 1, 1.0 and "1" are the same; "" where there is none."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def in_order(labels: set[str]) -> tuple[str, ...]:
    """The different ones, in their order as numbers if they are."""
    try:
        return tuple(sorted(labels, key=int))
    except ValueError:
        return tuple(sorted(labels))
