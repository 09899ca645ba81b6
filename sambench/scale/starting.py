"""`study` on a folder of finished runs: how long until it gives out the next one."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from sambench.bench import EPOCHS, Starting
from sambench.config import Study
from sambench.executors import Executor, J, OnEpoch, OnPlace, R, Work
from sambench.scale import apart
from sambench.scale.subject import ENDED, MORE, in_turns, of_points, tuners_of
from sambench.study import Protocol, Settings, StudyFolder, run_study
from sambench.training import write_outcome


def measure(study: Study, root: Path, num: int) -> Starting:
    """In a process of its own, as the driver is."""
    fill(study, root, num)
    program = f"from sambench.scale.starting import start; start({num}, {str(root)!r})"
    took = apart.run([sys.executable, "-c", program])
    seconds, processor_s = took.output.split()[-2:]
    return Starting(num, float(seconds), float(processor_s), took.memory)


def fill(study: Study, root: Path, num: int) -> None:
    """A folder with so many finished runs, and their trials in its journal."""
    folder = StudyFolder(root, study)
    protocol = Protocol(study, folder.arms, "cpu")
    with mock.patch("os.fsync"), folder.opened() as storage:
        tuners = tuners_of(study, storage)
        for arm, point in islice(in_turns(study), num):
            tuner = tuners[arm.label]
            run = protocol.pool_run(arm, point, tuner.ask(point))
            for row in ENDED.history:
                tuner.report(point, row, EPOCHS)
            tuner.tell(point, ENDED)
            write_outcome(run, folder.run(run), ENDED)


def start(num: int, root: str) -> None:
    """Prints seconds until the next run of the filled folder is given out, by the clock and of the
    processor."""
    settings = Settings(
        root=Path(root),
        device="cpu",
        on=_First(),
        wandb="disabled",
        console=Console(file=StringIO()),
    )
    began, spent = time.perf_counter(), time.process_time()
    try:
        run_study(of_points(num + MORE), settings=settings)
    except _GivenError:
        seconds = time.perf_counter() - began, time.process_time() - spent
        print(*(round(each, 6) for each in seconds))


class _GivenError(Exception):
    """A run was given out."""


class _First(Executor):
    """Goes no further than to its first job."""

    def opened(self, work: Work[J, R]) -> AbstractContextManager["_First"]:
        return nullcontext(self)

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J]
    ) -> Iterator[tuple[J, Any]]:
        for _ in jobs:
            raise _GivenError
        yield from ()
