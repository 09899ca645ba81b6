"""Optuna's journal in a file: its lines carry a check, and it is mended when it is opened."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sambench.errors import UserError

REMEDY = "restore it from a copy, or delete it: finished runs are kept and read again"
OPENING = b'{"op_code"'  # of a line
CHECK = "check"


class _Checked(JournalFileBackend):
    """Optuna's file, each line with a CRC-32 of the rest of it; Optuna ignores what it adds."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        super().append_logs([{**log, CHECK: _check(log)} for log in logs])


def open_journal(path: Path) -> JournalStorage:
    """Opens a journal, mending what a killed process leaves: a torn last line, a stale lock.

    Appending behind a torn line would ruin the journal for ever. The caller holds the lock of the
    journal's folder.
    """
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        _check_lines(path, content[:whole])
        if whole < len(content):
            os.truncate(path, whole)
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    try:
        return JournalStorage(_Checked(str(path)))
    except (LookupError, TypeError, ValueError, AssertionError, RuntimeError, AttributeError):
        raise UserError(f"{path} is damaged; {REMEDY}") from None


def _check_lines(path: Path, content: bytes) -> None:
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            log = json.loads(line)
        except (ValueError, RecursionError):
            log = None
        if not isinstance(log, dict) or log.pop(CHECK, _check(log)) != _check(log):
            raise UserError(f"{path}: line {number} is damaged; {REMEDY}")


def _check(log: dict[str, Any]) -> str:
    """Of a line without its check, as JSON writes it again."""
    return f"{zlib.crc32(json.dumps(log).encode()):08x}"
