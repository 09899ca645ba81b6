"""Programs that outlived a local sweep which was killed: they are ended before it goes on."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

FOLDER = "running"


def note(folder: Path, run_id: str, pid: int) -> None:
    """A program has been started."""
    path = folder / FOLDER / run_id
    path.parent.mkdir(exist_ok=True)
    with suppress(psutil.NoSuchProcess):
        path.write_text(json.dumps([pid, psutil.Process(pid).create_time()]))


def forget(folder: Path, run_id: str) -> None:
    """A program has ended."""
    (folder / FOLDER / run_id).unlink(missing_ok=True)


def end(folder: Path) -> int:
    """Kills what an earlier process left running, its children too; says how many there were."""
    found = 0
    for path in sorted((folder / FOLDER).glob("*")):
        with suppress(
            psutil.Error, OSError, ValueError, TypeError, ArithmeticError, RecursionError
        ):
            pid, created = json.loads(path.read_bytes())
            if psutil.Process(pid).create_time() == created:
                os.killpg(pid, signal.SIGKILL)
                found += 1
        path.unlink()
    return found
