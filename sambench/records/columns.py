"""Lines that passed their check as a frame, a column at a time."""

import csv
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from sambench.records.record import ESCAPES, KINDS
from sambench.records.table import DTYPES

ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def frame_of(
    lines: Sequence[bytes], numbers: Sequence[int]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """A frame indexed by the lines' numbers, and what is wrong with those that cannot be read."""
    found: dict[int, str] = {}
    try:
        table = _parsed(lines)
    except pa.ArrowInvalid:
        found = {n: what for n, line in zip(numbers, lines, strict=True) if (what := _wrong(line))}
        kept = [(n, line) for n, line in zip(numbers, lines, strict=True) if n not in found]
        numbers = [n for n, _ in kept]
        table = _parsed([line for _, line in kept])
    frame = table.select(list(KINDS)).to_pandas().astype(DTYPES)
    for name in [name for name, kind in KINDS.items() if kind is str]:
        for plain, escaped in ESCAPES.items():
            if frame[name].str.contains(escaped, regex=False).any():
                frame[name] = frame[name].str.replace(escaped, plain, regex=False)
    return frame.set_axis(pd.Index(numbers, dtype=int)), found


def _parsed(lines: Sequence[bytes]) -> pa.Table:
    names = [*KINDS, "check"]
    types = {name: ARROW[kind] for name, kind in DTYPES.items()} | {"check": pa.string()}
    if not lines:
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    convert = arrow.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    reading = arrow.ReadOptions(column_names=names)
    table = arrow.read_csv(pa.py_buffer(b"\n".join(lines)), reading, convert_options=convert)
    if empty := [name for name, kind in DTYPES.items() if kind is int and table[name].null_count]:
        raise pa.ArrowInvalid(f"no number in column {empty[0]}")
    return table


def _wrong(line: bytes) -> str:
    """Why a line is no record, "" if it is one."""
    try:
        cells = next(csv.reader([line.decode()]))
        for cell, kind in zip(cells[:-1], KINDS.values(), strict=True):
            _convert(cell, kind)
    except ValueError as error:
        return f"not a record: {error}; not counted"
    return ""


def _convert(cell: str, kind: Any) -> None:
    if kind is int:
        int(cell)
    elif kind is not str and (cell or kind is float):
        float(cell)
