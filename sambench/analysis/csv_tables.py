"""Tidy tables as they are published: nine digits, rounded once, and as text."""

import io
from decimal import Decimal
from math import isfinite

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

DIGITS = 9
SMALLEST = -13  # power of ten below which numbers are rounded one by one
POWERS = np.array([float(f"1e{power}") for power in range(23)])  # all that are exact doubles
TENS = np.array([float(f"1e{power}") for power in range(SMALLEST, 20)])
FORMULA = r"\A([=+\-@\t\r])"  # what a spreadsheet computes begins so


def csv_text(frame: pd.DataFrame) -> str:
    """The table as CSV; empty where a number is missing."""
    return written(rounded(frame))


def written(frame: pd.DataFrame) -> str:
    """The same of a table that is rounded."""
    table = _inert(pa.Table.from_pandas(frame, preserve_index=False))
    style = "needed" if any(map(_needs_quotes, table.columns)) else "none"
    target = io.BytesIO()
    arrow.write_csv(table, target, arrow.WriteOptions(quoting_style=style, quoting_header="none"))
    return target.getvalue().decode()


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as they are published."""
    found = frame.copy(deep=False)
    for name in frame.select_dtypes("float").columns:
        found[name] = published(frame[name].to_numpy())
    return found


def _inert(table: pa.Table) -> pa.Table:
    """Texts that a spreadsheet would compute begin with an apostrophe, which makes them texts."""
    options = compute.ReplaceSubstringOptions(FORMULA, r"'\1")
    for i, name in enumerate(table.column_names):
        if _is_text(table[name]):
            texts = compute.call_function("replace_substring_regex", [table[name]], options)
            table = table.set_column(i, name, texts)
    return table


def _is_text(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    """Arrow's own "needed" quotes every text."""
    if not _is_text(column):
        return False
    options = compute.MatchSubstringOptions('[",\\r\\n]')
    found = compute.call_function("match_substring_regex", [column.unique()], options)
    return bool(compute.call_function("any", [found]).as_py())


def number(value: float) -> float:
    """As it is published."""
    kept = not isfinite(value) or (value.is_integer() and abs(value) < 1e15)
    return value if kept else _decimal(value)


def published(values: np.ndarray) -> np.ndarray:
    """To DIGITS significant digits, half to even, from the shortest decimal text of each number.

    Whole numbers, such as bytes, stay as they are.
    """
    size = np.abs(values)
    kept = ~np.isfinite(values) | ((size < 1e15) & (values == np.rint(values)))
    digits = DIGITS - SMALLEST - np.searchsorted(TENS, size, side="right")
    plain = (size >= TENS[0]) & (size < TENS[-1])
    power = POWERS[np.abs(np.where(plain, digits, 0))]
    with np.errstate(invalid="ignore"):
        scaled = np.where(digits < 0, values / power, values * power)
        whole = np.rint(scaled)
        found = np.where(digits < 0, whole * power, whole / power)
        unsure = ~plain | (np.abs(np.abs(scaled - whole) - 0.5) < 1e-6)
    unsure = np.flatnonzero(unsure & ~kept)
    found[unsure] = [_decimal(x) for x in values[unsure].tolist()]
    return np.where(kept, values, found)


def _decimal(x: float) -> float:
    return float(f"{Decimal(repr(x)):.{DIGITS - 1}e}")
