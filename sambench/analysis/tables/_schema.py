"""A tidy table's row as a type: its fields are the columns, which stand without a row too."""

from collections.abc import Callable, Iterable
from typing import TypeVar, get_type_hints

import pandas as pd

DTYPES = {str: "str", int: "int64", float: "float64", bool: "bool"}
NAN = float("nan")

R = TypeVar("R")


def typed(data: pd.DataFrame | Iterable[tuple[object, ...]], row: type) -> pd.DataFrame:
    """A frame of these rows: the columns in this order, of these dtypes and with a fresh index."""
    schema = {name: DTYPES[kind] for name, kind in get_type_hints(row).items()}
    columns = pd.Index(schema)
    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data, columns=columns)
    return frame.reindex(columns=columns).astype(schema).reset_index(drop=True)


def rows(frame: pd.DataFrame, row: Callable[..., R]) -> list[R]:
    """What `typed` made a frame of."""
    return [row(*cells) for cells in frame.itertuples(index=False, name=None)]
