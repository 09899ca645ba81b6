"""What an executor adds to a run: its hand-out, its epochs, its end."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import count, islice, takewhile
from pathlib import Path

from sambench import executors
from sambench.bench import EPOCHS, Dispatching
from sambench.executors import Work
from sambench.scale.options import Options
from sambench.scale.subject import row
from sambench.scale.timing import IN_FLIGHT, timed

JOBS = 40  # of a round
PAUSE_S = 0.2  # of a run, while other workers start


def measure(root: Path, options: Options) -> Iterator[Dispatching]:
    """Of each executor that this machine has."""
    for name, workers in _executors():
        options.progress(f"{name} with {workers} workers")
        yield _measured(root, name, workers, options.rounds)


def _executors() -> Iterator[tuple[str, int]]:
    """Names, and workers."""
    yield "inline", 1
    for name in ("local", "ray") if find_spec("ray") else ("local",):
        yield from ((name, num) for num in IN_FLIGHT)


def _measured(root: Path, name: str, workers: int, num: int) -> Dispatching:
    executor = executors.get(name)(workers=workers)
    work = Work(execute=report_epochs, prepare=begin, lost=give_up, folder=root, answers=False)
    with executor.opened(work) as opened:
        wanted, pause_s = True, PAUSE_S
        each = (Idle(i, root / str(i), root, pause_s) for i in count())
        jobs = takewhile(lambda job: wanted, each)
        results = opened.run(jobs, lambda job, row: False)
        started = set()
        while len(started) < workers:  # what starts a worker is not a run's
            _, worker = next(results)
            started.add(worker)
        pause_s = 0.0
        deque(islice(results, 2 * workers), maxlen=0)  # those that were given out before
        rounds = [timed(lambda: deque(islice(results, JOBS), maxlen=0)) / JOBS for _ in range(num)]
        wanted = False
        deque(results, maxlen=0)
    return Dispatching(name, workers, tuple(rounds))


@dataclass(frozen=True)
class Idle:
    """A job that trains nothing."""

    number: int
    folder: Path
    cache: Path
    pause_s: float

    def moved(self, folder: Path, cache: Path) -> "Idle":
        return replace(self, folder=folder, cache=cache)


def report_epochs(job: Idle, report: Callable[[dict[str, float]], bool]) -> int:
    """All that such a run does; its worker's number."""
    time.sleep(job.pause_s)
    for epoch in range(1, EPOCHS + 1):
        report(row(epoch))
    return os.getpid()


def begin(place: int, threads: int) -> None:
    """A worker needs nothing."""


def give_up(job: Idle, reason: str) -> int:
    raise RuntimeError(f"job {job} was lost: {reason}")
