"""Optuna's journal in a file: its lines carry a check, and it is mended when it is opened."""

import json
import os
import zlib
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sambench.errors import UserError

REMEDY = "restore it from a copy, or delete it: finished runs are kept and read again"
OPENING = b'{"op_code"'  # of a line
CHECK = "check"

Log = dict[str, object]
"""A line of the journal."""


class _Checked(JournalFileBackend):
    """Optuna's file, each line with a CRC-32 of all lines so far; Optuna ignores what it adds."""

    def __init__(self, path: Path, last: int) -> None:
        super().__init__(str(path))
        self._last = last

    def append_logs(self, logs: list[Log]) -> None:
        last, checked = self._last, []
        for log in logs:
            last = _check(log, last)
            checked.append({**log, CHECK: f"{last:08x}"})
        super().append_logs(checked)
        self._last = last


def open_journal(path: Path) -> JournalStorage:
    """Opens a journal, mending what a killed process leaves: a torn last line, a stale lock.

    Appending behind a torn line would ruin the journal for ever. The caller holds the lock of the
    journal's folder.
    """
    last = 0
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        last = _check_lines(path, content[:whole])
        if whole < len(content):
            os.truncate(path, whole)
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    try:
        return JournalStorage(_Checked(path, last))
    except (LookupError, TypeError, ValueError, AssertionError, RuntimeError, AttributeError):
        raise UserError(f"{path} is damaged; {REMEDY}") from None


def _check_lines(path: Path, content: bytes) -> int:
    """The check of the last line; UserError for the first one that is not as it was written."""
    last = 0
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            log = json.loads(line)
            found = log.pop(CHECK)
            last = _check(log, last)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            found = None
        if found != f"{last:08x}":
            raise UserError(f"{path}: line {number} is damaged; {REMEDY}")
    return last


def _check(log: Log, last: int) -> int:
    """Of a line without its check, as JSON writes it again, behind lines whose check is `last`."""
    return zlib.crc32(json.dumps(log).encode(), last)
