"""Who drives a study, as its folder tells it. Asking changes nothing, and keeps nobody out."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

LOCK = "lock"
OWNER = "owner"


@dataclass(frozen=True)
class Driver:
    """A process; what is not known is empty."""

    pid: int | None = None
    host: str = ""
    since: str = ""
    """ISO 8601"""

    def __str__(self) -> str:
        """ "process 4711 on gpu07" """
        known = [f"process {self.pid}" if self.pid else "", f"on {self.host}" if self.host else ""]
        return " ".join(filter(None, known)) or "an unknown process"


def holder(folder: Path) -> Driver:
    """The process that last began to drive the study."""
    try:
        text = (folder / OWNER).read_text()
    except (OSError, ValueError):
        return Driver()
    try:
        told = json.loads(text)
    except ValueError:
        return Driver()
    if isinstance(told, int):
        return Driver(told)
    if not isinstance(told, dict):
        return Driver()
    pid, host, since = (told.get(name) for name in ("pid", "host", "since"))
    return Driver(
        pid if isinstance(pid, int) else None,
        host if isinstance(host, str) else "",
        since if isinstance(since, str) else "",
    )


def is_held(folder: Path) -> bool | None:
    """Whether a process holds the study's lock; None where the file system does not tell."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_held_elsewhere(folder)
    try:
        file = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # a moment: shared, then closed
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(file)
    return False


def _is_held_elsewhere(folder: Path) -> bool | None:
    import filelock

    if not (folder / LOCK).exists():
        return False
    try:
        with filelock.FileLock(folder / LOCK, blocking=False):
            return False
    except filelock.Timeout:
        return True
    except OSError:
        return None
