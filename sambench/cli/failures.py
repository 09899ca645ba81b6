"""What goes wrong, in one line."""

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec

import click

from sambench.errors import UserError, shortened

UNUSABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
FULL = {errno.ENOSPC, errno.EDQUOT}
EXHAUSTED = {
    errno.EAGAIN: "no further process or thread may start here; see ulimit -u",
    errno.EMFILE: "too many files are open; raise the limit: ulimit -n 1024",
    errno.ENFILE: "the system has too many open files",
    errno.ENOMEM: "memory ran out; try fewer --workers, or smaller batches",
}

P = ParamSpec("P")


def fail(message: str, code: int) -> NoReturn:
    """One line on standard error, however many the message has, and whoever else fails with us."""
    if _speaks():
        click.echo(f"sambench: {shortened(message)}", err=True)
    sys.exit(code)


def _speaks() -> bool:
    """Whether no other process of this run, if there are any, tells the same."""
    from sambench.training import launch

    try:
        if not launch.launched():
            return True
    except UserError:
        return True
    if "torch.distributed" not in sys.modules:
        return os.environ["RANK"] == "0"
    from sambench.training import processes

    return processes.first_to_fail()


def unusable(error: OSError) -> str:
    """What is wrong with a disk or a path; raises what is our own fault again."""
    if error.errno in FULL:
        return "the disk is full; nothing finished is lost: free space, then repeat the command"
    if error.errno in EXHAUSTED:
        return EXHAUSTED[error.errno]
    if error.errno in UNUSABLE and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError) and error.filename is None:  # tempfile's
        return str(error.strerror)
    raise error


def works(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose work may fail: RunFailed becomes exit code 1, with the worker's own words."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        from sambench.executors import RunFailed

        try:
            command(*args, **kwargs)
        except RunFailed as error:
            click.echo(f"sambench: a run failed: {error}", err=True)
            raise SystemExit(1) from None

    return wrapped
