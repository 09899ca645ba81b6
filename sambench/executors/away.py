"""A job on a machine that does not see its folder: the folder's files travel, both ways."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic

from sambench.errors import UserError
from sambench.executors.executor import J
from sambench.files import replacing

Stamp = tuple[int, int, int]
"""inode, time of the last change in ns, bytes: files are replaced, never written into"""


@dataclass(frozen=True)
class Changes:
    """What is new in a folder."""

    written: Mapping[str, bytes] = field(default_factory=dict)
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.written or self.gone)

    def apply(self, folder: Path) -> None:
        """Makes them in another: each file as a whole, and what is new before what goes."""
        for name, content in self.written.items():
            with replacing(folder / Path(name).name) as file:
                file.write(content)
        for name in self.gone:
            (folder / Path(name).name).unlink(missing_ok=True)


def packed(folder: Path) -> Changes:
    """All files of a folder."""
    return Changes({path.name: path.read_bytes() for path in _files(folder)})


class Away(Generic[J]):
    """A job in a folder of this machine, which holds what its own one held."""

    def __init__(self, job: J, held: Changes) -> None:
        base = _base()
        with _alone(base):
            _sweep(base)
            self._folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
            self._lock = _lock(self._folder)
        held.apply(self._folder)
        self._sent: dict[str, Stamp] = {}
        self.changes()
        self.sent()
        self.job = job.moved(self._folder, job.cache if job.cache.is_dir() else base / "data")

    def changes(self) -> Changes:
        """Those since the last that were `sent`."""
        self._seen: dict[str, Stamp] = {}
        written = {}
        for path in _files(self._folder):
            with suppress(FileNotFoundError):  # it has just gone
                stamp = _stamp(path)
                if self._sent.get(path.name) != stamp:
                    written[path.name] = path.read_bytes()
                self._seen[path.name] = stamp
        return Changes(written, tuple(self._sent.keys() - self._seen.keys()))

    def sent(self) -> None:
        """The changes are on their way home."""
        self._sent = self._seen

    def end(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)


def _base() -> Path:
    """The folder of this user's jobs on this machine. UserError if it is another's."""
    path = Path(tempfile.gettempdir()) / f"sambench-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise UserError(f"{path} belongs to somebody else; set TMPDIR on that machine")
    return path


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    """Nobody else sweeps meanwhile: a folder that has no lock yet looks like one left behind."""
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(base: Path) -> None:
    """Removes the folders of jobs whose processes were killed."""
    for path in base.glob("run-*"):
        if (lock := _lock(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """A lock that ends with this process; None where another process has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _files(folder: Path) -> Iterator[Path]:
    """Whole ones: while a file is written, its name begins with a dot."""
    if folder.is_dir():
        yield from (p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
