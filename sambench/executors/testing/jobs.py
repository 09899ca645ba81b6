"""Jobs of the conformance suite, which workers import: most of them behave badly."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sambench.errors import UserError, WorkFailed
from sambench.executors.executor import EpochRow

Report = Callable[[EpochRow], bool]

PROGRESS = "progress"  # the file in which a job counts its epochs


@dataclass(frozen=True)
class Job:
    """One that does what a function of this module does, with its folder and `amount`."""

    does: Callable[["Job", Report], Any]
    name: str
    folder: Path
    cache: Path
    amount: int = 0

    def __str__(self) -> str:
        return self.name

    def moved(self, folder: Path, cache: Path) -> "Job":
        return replace(self, folder=folder, cache=cache)


def execute(job: Job, report: Report) -> Any:
    return job.does(job, report)


def prepare(device: int, threads: int) -> None:
    pass


def lost(job: Job, reason: str) -> str:
    return f"lost: {reason}"


def square(job: Job, report: Report) -> int:
    return job.amount**2


def until_told(job: Job, report: Report) -> int:
    """Counts epochs until it is told to stop."""
    for epoch in range(1, 1000):
        if report({"epoch": epoch, "pid": os.getpid()}):
            return epoch
    return 0


def until_known(job: Job, report: Report) -> str:
    """Until a file in the cache says that somebody knows of it."""
    while not (job.cache / "known").exists():
        time.sleep(0.1)
    return "known"


def never_told(job: Job, report: Report) -> int:
    """Counts epochs, whatever the answers."""
    return sum(report({"epoch": epoch}) for epoch in range(1, job.amount + 1))


def goes_on(job: Job, report: Report) -> int:
    """Killed after each of its epochs, with what came before in its folder; counts its lives."""
    path = job.folder / PROGRESS
    done = int(path.read_text()) if path.exists() else 0
    if done == job.amount:
        path.unlink()
        (job.folder / "result").write_text(str(done))
        return done
    _write(path, str(done + 1))
    report({"epoch": done + 1})
    os.kill(os.getpid(), signal.SIGKILL)
    return -1


def dies(job: Job, report: Report) -> None:
    """Killed in its first epoch, always."""
    report({"epoch": 1})
    os.kill(os.getpid(), signal.SIGKILL)


def raises(job: Job, report: Report) -> None:
    match job.name:
        case "user":
            raise UserError("task.dataset: it is gone")
        case "work":
            raise WorkFailed("the GPU failed")
        case "full":
            raise OSError(28, "No space left on device", "/somewhere")
        case "eof":
            raise EOFError("a file of yours is cut off")
    raise ZeroDivisionError("a bug of yours")


def _write(path: Path, text: str) -> None:
    """As a whole, as checkpoints are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}")
    half.write_text(text)
    half.replace(path)
