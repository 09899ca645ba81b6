"""Lines that passed their check as a frame, a column at a time."""

import csv
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
from pyarrow import csv as arrow

from sambench.errors import ECHOED, shortened
from sambench.records.lines import Block
from sambench.records.record import BACKSLASH, ESCAPES, FORMULAS
from sambench.records.table import CATEGORIES, dtypes, typed

KINDS_OF_ARROW = {str: pa.large_string(), int: pa.int64(), float: pa.float64()}
UNESCAPES = {**ESCAPES, **FORMULAS, "\\": BACKSLASH}  # in this order
Kinds = Mapping[str, object]
"""Columns and their types."""


def _arrow(kinds: Kinds) -> dict[str, pa.DataType]:
    plain = {n: KINDS_OF_ARROW.get(kind, pa.large_string()) for n, kind in dtypes(kinds).items()}
    return plain | dict.fromkeys(CATEGORIES, pa.dictionary(pa.int32(), pa.string()))


def parsed(block: Block, kinds: Kinds) -> pa.Table | None:
    """All lines, None if some cannot be read."""
    try:
        table = _parsed(block.text(range(len(block))), kinds)
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(block) else None


def readable(block: Block, kinds: Kinds, kept: np.ndarray) -> tuple[pa.Table, dict[int, str]]:
    """Those of the lines at these places that can be read, and what is wrong with the others."""
    found = {int(i): what for i in kept if (what := _wrong(block[i], kinds))}
    return _parsed(block.text(kept[~np.isin(kept, list(found))]), kinds), found


def joined(tables: list[pa.Table], kinds: Kinds) -> pd.DataFrame:
    """One frame of all rows; it empties the list, as the memory for both would take long to get.

    Texts lie in one piece each, where picking some of them is fast.
    """
    table = pa.concat_tables([_parsed(b"", kinds), *tables]).unify_dictionaries()
    tables.clear()
    for i, name in enumerate(table.column_names):
        if pa.types.is_large_string(table[name].type):
            table = table.set_column(i, name, table[name].combine_chunks())
    frame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    return typed(frame, kinds)


def _parsed(text: bytes, kinds: Kinds) -> pa.Table:
    types = _arrow(kinds)
    if not text:
        return pa.table({name: pa.array([], kind) for name, kind in types.items()})
    table = arrow.read_csv(
        pa.py_buffer(text),
        arrow.ReadOptions(column_names=[*kinds, "check"]),
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
    if b"\\u00" not in text:
        return table
    return _unescaped(table.unify_dictionaries().combine_chunks(), types)


def _unescaped(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    for i, (name, kind) in enumerate(types.items()):
        texts = table[name].chunk(0)
        if pa.types.is_dictionary(kind) and _escaped(texts.dictionary):
            plain = _replaced(texts.cast(pa.string()))
            table = table.set_column(i, name, plain.dictionary_encode())
        elif pa.types.is_large_string(kind) and _escaped(texts):
            table = table.set_column(i, name, _replaced(texts))
    return table


def _replaced(texts: pa.Array) -> pa.Array:
    for plain, escaped in UNESCAPES.items():
        options = compute.ReplaceSubstringOptions(escaped, plain)
        texts = compute.call_function("replace_substring", [texts], options)
    return texts


def _escaped(texts: pa.Array) -> bool:
    options = compute.MatchSubstringOptions("\\u00")
    found = compute.call_function("match_substring", [texts], options)
    return bool(compute.call_function("any", [found]).as_py())


def _wrong(line: bytes, kinds: Kinds) -> str:
    """Why a line is no record, "" if it is one."""
    try:
        cells = next(csv.reader([line.decode()]))
        for cell, kind in zip(cells[:-1], kinds.values(), strict=True):
            _convert(cell, kind)
    except (ValueError, csv.Error) as error:
        return f"not a record: {shortened(str(error), ECHOED)}; not counted"
    return ""


def _convert(cell: str, kind: object) -> None:
    if kind in (int, int | None) and (cell or kind is int):
        int(cell)
    elif kind is not str and (cell or kind is float):
        float(cell)
