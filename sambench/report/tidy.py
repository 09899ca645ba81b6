"""Tidy tables as text: nine digits, so that the last bits of another machine change no byte."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

DIGITS = 9


def csv_text(frame: pd.DataFrame) -> str:
    """The table as CSV; empty where a number is missing."""
    rounded = frame.copy(deep=False)
    for name in frame.select_dtypes("float").columns:
        rounded[name] = _rounded(frame[name].to_numpy())
    table = pa.Table.from_pandas(rounded, preserve_index=False)
    style = "needed" if any(map(_needs_quotes, table.columns)) else "none"
    target = io.BytesIO()
    arrow.write_csv(table, target, arrow.WriteOptions(quoting_style=style, quoting_header="none"))
    return target.getvalue().decode()


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    """Arrow's own "needed" quotes every text."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
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
