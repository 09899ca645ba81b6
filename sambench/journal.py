"""Optuna's journal in a file, mended when it is opened."""

import json
import os
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sambench.errors import UserError

REMEDY = "restore it from a copy, or delete it: finished runs are kept and read again"


def open_journal(path: Path) -> JournalStorage:
    """Opens a journal, mending what a killed process leaves: a torn last line, a stale lock.

    Appending behind a torn line would ruin the journal for ever. The caller holds the lock of the
    journal's folder.
    """
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
        _check_lines(path, content[:whole])
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (LookupError, TypeError, ValueError, AssertionError, RuntimeError):
        raise UserError(f"{path} is damaged; {REMEDY}") from None


def _check_lines(path: Path, content: bytes) -> None:
    for number, line in enumerate(content.splitlines(), 1):
        try:
            json.loads(line)
        except ValueError:
            raise UserError(f"{path}: line {number} is damaged; {REMEDY}") from None
