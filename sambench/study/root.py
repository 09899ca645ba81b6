"""Whether a study's folder can be written, asked before anything runs."""

import os
from pathlib import Path

from sambench.errors import UserError, echo

ROOM = 400  # bytes that the names of a run, and of W&B's files of it, take below the folder


def check(folder: Path) -> None:
    """UserError for a folder whose files would have too long a path, or that cannot be made."""
    path = Path(os.path.abspath(folder))
    most = os.pathconf("/", "PC_PATH_MAX") if hasattr(os, "pathconf") else 4096
    if len(os.fsencode(path)) + ROOM > most:
        raise UserError(f"--root: {echo(str(path))} leaves no room for names of files below it")
    there = next(p for p in (path, *path.parents) if p.exists())
    if not there.is_dir():
        raise UserError(f"--root: {echo(str(there))} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"--root: {echo(str(there))} cannot be written to")
