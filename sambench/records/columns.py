"""Lines that passed their check as a frame, a column at a time."""

import csv
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

from sambench.errors import ECHOED, shortened
from sambench.records.lines import CHUNK, Lines
from sambench.records.record import BACKSLASH, ESCAPES, FORMULAS
from sambench.records.table import CATEGORIES, dtypes, typed

KINDS_OF_ARROW = {str: pa.large_string(), int: pa.int64(), float: pa.float64()}
BLOCK = 2**22
UNESCAPES = {**ESCAPES, **FORMULAS, "\\": BACKSLASH}  # in this order
Kinds = Mapping[str, object]
"""Columns and their types."""


def _arrow(kinds: Kinds) -> dict[str, pa.DataType]:
    plain = {n: KINDS_OF_ARROW.get(kind, pa.large_string()) for n, kind in dtypes(kinds).items()}
    return plain | dict.fromkeys(CATEGORIES, pa.dictionary(pa.int32(), pa.string()))


def parsed(lines: Lines, kinds: Kinds) -> pa.Table | None:
    """All lines at once, None if some cannot be read."""
    try:
        return _parsed(lines.text(range(len(lines))), kinds)
    except pa.ArrowInvalid:
        return None


def frame_of(
    lines: Lines, kinds: Kinds, kept: np.ndarray, first: int, whole: pa.Table | None
) -> tuple[pd.DataFrame, dict[int, str]]:
    """A frame of the lines at these places, and what is wrong with those that cannot be read.

    Both are indexed by the number of the line; `first` is that of the first. `whole`: of `parsed`.
    """
    found: dict[int, str] = {}
    table = whole if len(kept) == len(lines) else None
    if table is None:
        found = {int(i): what for i in kept if (what := _wrong(lines[i], kinds))}
        kept = kept[~np.isin(kept, list(found))]
        table = _parsed(lines.text(kept), kinds)
    frame = typed(table.to_pandas(ignore_metadata=True, split_blocks=True), kinds)
    return frame.set_axis(pd.Index(kept + first)), {first + i: w for i, w in found.items()}


def _parsed(text: memoryview, kinds: Kinds) -> pa.Table:
    types = _arrow(kinds)
    if not len(text):
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    table = arrow.read_csv(
        pa.py_buffer(text),
        arrow.ReadOptions(column_names=[*kinds, "check"], block_size=BLOCK),
        convert_options=arrow.ConvertOptions(
            column_types=types,
            include_columns=list(kinds),
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    for name, kind in kinds.items():
        if kind in (int, float) and table[name].null_count:
            raise pa.ArrowInvalid(f"no number in column {name}")
    table = table.unify_dictionaries()
    for i, column in enumerate(table.columns):
        if pa.types.is_large_string(column.type):  # pandas joins numbers itself
            table = table.set_column(i, table.column_names[i], pa.chunked_array([column.combine_chunks()]))
    return _unescaped(table, types) if _has_backslash(text) else table


def _has_backslash(text: memoryview) -> bool:
    found = np.frombuffer(text, np.uint8)
    parts = (found[start : start + CHUNK] for start in range(0, len(found), CHUNK))
    return any((part == ord("\\")).any() for part in parts)


def _unescaped(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    for name, kind in types.items():
        column = table[name]
        if pa.types.is_dictionary(kind) and _escaped(column.chunk(0).dictionary):
            column = column.cast(pa.large_string())
        if pa.types.is_large_string(column.type) and _escaped(column):
            for plain, escaped in UNESCAPES.items():
                options = compute.ReplaceSubstringOptions(escaped, plain)
                column = compute.call_function("replace_substring", [column], options)
            table = table.set_column(table.column_names.index(name), name, column)
    return table


def _escaped(texts: pa.Array | pa.ChunkedArray) -> bool:
    options = compute.MatchSubstringOptions("\\u00")
    found = compute.call_function("match_substring", [texts], options)
    return bool(compute.call_function("any", [found]).as_py())


def _wrong(line: bytes, kinds: Kinds) -> str:
    """Why a line is no record, "" if it is one."""
    try:
        cells = next(csv.reader([line.decode()]))
        for cell, kind in zip(cells[:-1], kinds.values(), strict=True):
            _convert(cell, kind)
    except ValueError as error:
        return f"not a record: {shortened(str(error), ECHOED)}; not counted"
    return ""


def _convert(cell: str, kind: object) -> None:
    if kind in (int, int | None) and (cell or kind is int):
        int(cell)
    elif kind is not str and (cell or kind is float):
        float(cell)
