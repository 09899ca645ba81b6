"""Who runs a study, as whoever is refused or asks is told. Asking keeps nobody out."""

import fcntl
import getpass
import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sambench.errors import UserError
from sambench.files import write_atomically

if TYPE_CHECKING:
    from filelock import AcquireReturnProxy

LONGEST = 40  # characters of a name
LEAVING_S = 1.0  # in which a process that has done all lets go
LOCK, OWNER = "lock", "owner"
"""Files of a study's folder: what its driver holds, and who that is."""


class Held(UserError):
    """Another process runs the study."""

    def __init__(self, study: str, holder: "Holder | str") -> None:
        super().__init__(
            f"study {study!r} is being run already, by {holder}; wait for it, or use --fork NAME"
        )


@dataclass(frozen=True)
class Holder:
    """A process that runs a study."""

    host: str
    pid: int
    user: str
    since: str
    """in UTC, to the second"""

    @classmethod
    def here(cls) -> Self:
        """This process."""
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return cls(socket.gethostname(), os.getpid(), _user(), since)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Who wrote a file; None if that cannot be known."""
        try:
            found = cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        names = (found.host, found.user, found.since)
        known = isinstance(found.pid, int) and all(isinstance(name, str) for name in names)
        return found if known else None

    def write(self, path: Path) -> None:
        write_atomically(path, json.dumps(asdict(self)))

    def __str__(self) -> str:
        host, user = (name[:LONGEST] for name in (self.host, self.user))
        return f"process {self.pid} of {user} on {host}, since {self.since[:LONGEST]} UTC"


def take(study: str, lock: Path, owner: Path, patience_s: float) -> "AcquireReturnProxy":
    """The lock, whose holder is named in the file beside it; Held if another process keeps it.

    patience_s: with one that is just leaving
    """
    import filelock

    try:
        return filelock.FileLock(lock).acquire(timeout=patience_s)
    except filelock.Timeout:
        raise Held(study, Holder.read(owner) or "a process that is not known") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name belongs to the number, as in a container
        return str(os.getuid())


def is_held(folder: Path) -> bool | None:
    """Whether a process holds the study's lock; None where the file system does not tell."""
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
