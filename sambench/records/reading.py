"""Records from text: what is whole is read, what is not is named by line."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pandas as pd

from sambench.errors import UserError
from sambench.records import damage
from sambench.records.columns import Kinds, joined, parsed, readable
from sambench.records.damage import Damage
from sambench.records.header import LONGEST, checked
from sambench.records.lines import Lines, bare
from sambench.records.record import FORMAT
from sambench.records.table import Records, kinds_of
from sambench.records.writing import column_names, seal

FIRST = 3  # the line of the first record
SEAL = len(seal(b""))
AHEAD = 2
"""Blocks that are parsed at a time; the first of them is checked meanwhile."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
T = TypeVar("T")


def read(path: str | Path) -> Records:
    """Read and check the file. Damaged rows are left out, and named in `damages`.

    A header that cannot be read is a UserError that names file and line. Byte order marks and the
    line ends of Windows change no cell and are no damage; rows may stand in any order.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: cannot be read: not a regular file")
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such records file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _read(file: BinaryIO, where: str) -> Records:
    header = _header(bare(file.readline()).removeprefix(BYTE_ORDER_MARK), f"{where}: line 1")
    kinds = kinds_of(header)
    _check_columns(bare(file.readline()), kinds, f"{where}: line 2")
    lines = Lines(file)
    frame, found = _rows(lines, kinds, header)
    damages = [Damage(line, what) for line, what in found.items()]
    num, promised = _num_runs(lines, found), header["num_records"]
    if num != promised:
        what = f"the file ends here after {num} records; its header promises {promised}"
        damages.append(Damage(FIRST - 1 + len(lines), what))
    return Records(header, frame.reset_index(drop=True), sorted(damages), frame.index)


def _rows(
    lines: Lines, kinds: Kinds, header: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """The rows that count, and what is wrong with the others, both by line of the file."""
    tables, sums, found, first = [], [np.empty(0, np.uint32)], {}, FIRST
    with ThreadPoolExecutor(AHEAD) as pool:  # pyarrow does not hold Python's lock
        begun = ((block, pool.submit(parsed, block, kinds)) for block in lines.blocks())
        for block, parsing in _ahead(begun, AHEAD):
            sums.append(block.sums())
            wrong = damage.unchecked(block, sums[-1])
            if wrong or (whole := parsing.result()) is None:
                left = np.delete(np.arange(len(block)), list(wrong))
                whole, unreadable = readable(block, kinds, left)
                wrong |= unreadable
            tables.append(whole)
            found |= {first + i: what for i, what in wrong.items()}
            first += len(block)
    left = np.setdiff1d(np.arange(FIRST, FIRST + len(lines)), list(found), assume_unique=True)
    frame = joined(tables, kinds).set_axis(pd.Index(left))
    for rule in (
        lambda rows: damage.copies(lines, np.concatenate(sums), FIRST),
        lambda rows: damage.implausible(rows, header),
        damage.contradictory,
    ):
        broken = rule(frame)
        frame = frame.drop(index=list(broken), errors="ignore") if broken else frame
        found |= broken
    return frame, found


def _ahead(items: Iterator[T], num: int) -> Iterator[T]:
    """The same, of which so many are asked for before they are due."""
    due = deque(islice(items, num))
    while due:
        yield due.popleft()
        due.extend(islice(items, 1))


def _num_runs(lines: Lines, found: Mapping[int, str]) -> int:
    """How many runs the lines stand for, damaged ones included, copies and noise not."""
    extra = [line for line, what in found.items() if damage.is_extra(lines[line - FIRST], what)]
    return len(lines) - len(extra)


def _header(line: bytes, where: str) -> dict[str, Any]:
    if line.startswith(damage.MARKERS):
        raise UserError(f"{where}: a conflict marker of git: resolve the conflict")
    try:
        header = json.loads(line.removeprefix(b"# "))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: damaged header: {error}"[:LONGEST]) from None
    if isinstance(header, dict) and header.get("format") in (1, 2):
        raise UserError(
            f"{where}: records of format {header['format']}, of an older protocol whose numbers "
            f"do not compare; run the study again (this is format {FORMAT})"
        )
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise UserError(f"{where}: not the header of a records file of format {FORMAT}")
    if header.pop("check", None) is None:
        raise UserError(f"{where}: the header lacks its check")
    if line[-SEAL:] != seal(line[:-SEAL] + b"}"):
        raise UserError(f"{where}: damaged header: its check does not fit")
    return checked(header, where)


def _check_columns(line: bytes, kinds: Kinds, where: str) -> None:
    found, wanted = line.decode(errors="replace").split(","), column_names(kinds).split(",")
    if line.startswith(damage.MARKERS):
        raise UserError(f"{where}: a conflict marker of git: resolve the conflict")
    if missing := [name for name in wanted if name not in found]:
        raise UserError(f"{where}: missing column {', '.join(missing)}")
    if found != wanted:
        raise UserError(f"{where}: the columns must be {column_names(kinds)}")
