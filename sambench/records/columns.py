"""Lines that passed their check as a frame, a column at a time."""

import csv
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

from sambench.records.record import ESCAPES, KINDS
from sambench.records.table import DTYPES

ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def frame_of(lines: Sequence[bytes], numbers: Sequence[int]) -> tuple[pd.DataFrame, dict[int, str]]:
    """A frame indexed by the lines' numbers, and what is wrong with those that cannot be read."""
    found: dict[int, str] = {}
    try:
        table = _parsed(b"\n".join(lines))
    except pa.ArrowInvalid:
        found = {n: what for n, line in zip(numbers, lines, strict=True) if (what := _wrong(line))}
        kept = [(n, line) for n, line in zip(numbers, lines, strict=True) if n not in found]
        numbers = [n for n, _ in kept]
        table = _parsed(b"\n".join(line for _, line in kept))
    frame = table.to_pandas().astype(DTYPES)
    return frame.set_axis(pd.Index(numbers, dtype=int)), found


def _parsed(text: bytes) -> pa.Table:
    types = {name: ARROW[kind] for name, kind in DTYPES.items()}
    if not text:
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    table = arrow.read_csv(
        pa.py_buffer(text),
        arrow.ReadOptions(column_names=[*KINDS, "check"]),
        convert_options=arrow.ConvertOptions(
            column_types=types,
            include_columns=list(KINDS),
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    for name, kind in KINDS.items():
        if kind in (int, float) and table[name].null_count:
            raise pa.ArrowInvalid(f"no number in column {name}")
    return _unescaped(table, text)


def _unescaped(table: pa.Table, text: bytes) -> pa.Table:
    for plain, escaped in ESCAPES.items():
        if escaped.encode() not in text:
            continue
        for i, name in enumerate(table.column_names):
            if DTYPES[name] is str:
                column = compute.call_function(
                    "replace_substring",
                    [table[name]],
                    compute.ReplaceSubstringOptions(escaped, plain),
                )
                table = table.set_column(i, name, column)
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
    if kind in (int, int | None) and (cell or kind is int):
        int(cell)
    elif kind is not str and (cell or kind is float):
        float(cell)
