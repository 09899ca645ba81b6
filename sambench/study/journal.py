"""Optuna's journal in a file: its lines carry a check, and it is mended when it is opened."""

import json
import os
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file
from optuna.storages.journal._storage import JournalOperation

from sambench.errors import UserError

REMEDY = "restore it from a copy, or delete it: finished runs are kept and read again"
OPENING = b'{"op_code"'  # of a line
CHECK = "check"
NOTES = {
    JournalOperation.SET_STUDY_USER_ATTR,
    JournalOperation.SET_STUDY_SYSTEM_ATTR,
    JournalOperation.SET_TRIAL_USER_ATTR,
    JournalOperation.SET_TRIAL_SYSTEM_ATTR,
}
"""What users of optuna-dashboard write, without a check."""

Log = dict[str, object]
"""A line of the journal."""


class _Checked(JournalFileBackend):
    """Optuna's file, each line with a CRC-32 of all lines so far; Optuna ignores what it adds."""

    def __init__(self, path: Path, content: bytes, last: int) -> None:
        """content: all of its lines, which fit their checks; last: that of the last"""
        super().__init__(str(path))
        self._path = path
        self._last = last
        self._content = content

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """At first those that were there, in one go: Optuna reads a line at a time."""
        if content := self._content:
            self._content = b""
            logs = json.loads(b"[" + content[:-1].replace(b"\n", b",") + b"]")
            self._log_number_offset[len(logs)] = len(content)
            return islice(logs, log_number_from, None)
        return super().read_logs(log_number_from)

    def append_logs(self, logs: list[Log]) -> None:
        last, lines = self._last, []
        for log in logs:
            text = json.dumps(log)
            last = zlib.crc32(text.encode(), last)
            lines.append(text[:-1] + _closing(last) + "\n")
        with get_lock_file(self._lock), self._path.open("ab") as file:
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())
        self._last = last


def open_journal(path: Path) -> JournalStorage:
    """Opens a journal, mending what a killed process leaves: a torn last line, a stale lock.

    Appending behind a torn line would ruin the journal for ever. The caller holds the lock of the
    journal's folder.
    """
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    last = _check_lines(path, content[:whole])
    if whole < len(content):
        os.truncate(path, whole)
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    try:
        return JournalStorage(_Checked(path, content[:whole], last))
    except (LookupError, TypeError, ValueError, AssertionError, RuntimeError, AttributeError):
        raise UserError(f"{path} is damaged; {REMEDY}") from None


def _check_lines(path: Path, content: bytes) -> int:
    """The check of the last line; UserError for the first one that is not as it was written."""
    last = 0
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        body = line[: -len(_closing(0))] + b"}"
        check = zlib.crc32(body, last)
        if line != body[:-1] + _closing(check).encode():
            check = _parsed_check(line, last)
        if check is None:
            raise UserError(f"{path}: line {number} is damaged; {REMEDY}")
        last = check
    return last


def _closing(check: int) -> str:
    """The end of a line, in the place of its last brace."""
    return f', "{CHECK}": "{check:08x}"}}'


def _parsed_check(line: bytes, last: int) -> int | None:
    """Of a line that is spaced in another way, or that a dashboard has added; None if damaged."""
    try:
        log = json.loads(line)
        if CHECK not in log:
            return last if log["op_code"] in NOTES else None
        found = log.pop(CHECK)
        check = zlib.crc32(json.dumps(log).encode(), last)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return check if found == f"{check:08x}" else None
