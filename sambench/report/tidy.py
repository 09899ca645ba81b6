"""Tidy tables as text: nine digits, so that the last bits of another machine change no byte."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

DIGITS = 9
FORMULA = r"\A([=+\-@\t\r])"  # what a spreadsheet computes begins so


def csv_text(frame: pd.DataFrame) -> str:
    """The table as CSV; empty where a number is missing."""
    rounded = frame.copy(deep=False)
    for name in frame.select_dtypes("float").columns:
        rounded[name] = _rounded(frame[name].to_numpy())
    table = _inert(pa.Table.from_pandas(rounded, preserve_index=False))
    style = "needed" if any(map(_needs_quotes, table.columns)) else "none"
    target = io.BytesIO()
    arrow.write_csv(table, target, arrow.WriteOptions(quoting_style=style, quoting_header="none"))
    return target.getvalue().decode()


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
    options = compute.MatchSubstringOptions('[",\r\n]')
    found = compute.call_function("match_substring_regex", [column], options)
    options = compute.MatchSubstringOptions('[",\\r\\n]')
    found = compute.call_function("match_substring_regex", [column.unique()], options)
    return bool(compute.call_function("any", [found]).as_py())


def _rounded(values: np.ndarray) -> np.ndarray:
    """To DIGITS significant digits; whole numbers, such as bytes, as they are."""
    size = np.floor(np.log10(np.abs(values), where=values != 0, out=np.zeros_like(values)))
    digits = np.clip(DIGITS - 1 - size, -300, 22)
    scale = 10.0 ** np.abs(digits)
    with np.errstate(over="ignore", invalid="ignore"):
        large, small = np.rint(values / scale) * scale, np.rint(values * scale) / scale
    found = np.where(digits < 0, large, small)
    exact = (np.abs(values) < 1e15) & (values == np.rint(values))
    return np.where(exact | ~np.isfinite(found), values, found)
