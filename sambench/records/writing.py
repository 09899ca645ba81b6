"""Records to text: the header, the names of the columns, one checked line per run."""

import csv
import io
import json
import operator
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sambench.files import write_atomically
from sambench.records.record import ESCAPES, FORMAT, Record, cell, escape
from sambench.records.table import kinds_of


def write(path: str | Path, header: Mapping[str, object], records: Iterable[Record]) -> None:
    """Write the file in one step; `format` and `num_records` are filled in here."""
    kinds = kinds_of(header)
    lines = [_line(record, kinds) for record in records]
    full = {**header, "format": FORMAT, "num_records": len(lines)}
    head = "# " + json.dumps(full, allow_nan=False).replace("#", ESCAPES["#"])
    write_atomically(Path(path), "\n".join([_sealed(head), column_names(kinds), *lines]) + "\n")


def column_names(kinds: Iterable[str]) -> str:
    """The second line of a file."""
    return ",".join([*kinds, "check"])


def check(cells: bytes) -> bytes:
    """The checksum of a line's cells that closes it: CRC-32, as 8 hex digits."""
    return b"%08x" % zlib.crc32(cells)


def seal(head: bytes) -> bytes:
    """The end of a header line, which checks the JSON object that it closes."""
    return b', "check": "' + check(head) + b'"}'


def _sealed(head: str) -> str:
    return head[:-1] + seal(head.encode()).decode()


def _line(record: Record, kinds: Mapping[str, object]) -> str:
    buffer = io.StringIO()
    cells = [_cell(cell(record, name), kind) for name, kind in kinds.items()]
    csv.writer(buffer, lineterminator="").writerow(cells)
    body = buffer.getvalue()
    return f"{body},{check(body.encode()).decode()}"


def _cell(value: Any, kind: object) -> str:
    if value is None:
        return ""
    if kind is str:
        return escape(value)
    return str(operator.index(value)) if kind in (int, int | None) else repr(float(value))
