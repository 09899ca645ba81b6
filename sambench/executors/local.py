"""Local worker processes that die with this one."""

import multiprocessing as mp
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Generic

from sambench import plugins
from sambench.errors import UserError
from sambench.executors.executor import EpochRow, Execute, J, OnEpoch, R, RunFailed

MAIN = "__main__"
ATTEMPTS = 3  # how often a run is started whose worker dies under it


class Processes(Generic[J, R]):
    """`num` worker processes with their share of the threads. A context manager: leaving ends them.

    `prepare` runs first in each worker, with its number; it and `execute` must be importable.
    """

    def __init__(self, num: int, execute: Execute[J, R], prepare: Callable[[int], None]) -> None:
        self._num = num
        self._arguments = (execute, prepare)
        self._context = mp.get_context("spawn")
        self._workers: list[_Worker[J]] = []

    def __enter__(self) -> "Processes[J, R]":
        self._workers = [self._start(i) for i in range(self._num)]
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def _start(self, number: int) -> "_Worker[J]":
        ours, theirs = self._context.Pipe()
        arguments = (theirs, number, *self._arguments)
        process = self._context.Process(target=_serve, args=arguments)  # may have children
        with _deaf_to_ctrl_c(), _main_as_it_may_be_imported():
            process.start()
        theirs.close()
        return _Worker(number, process, ours)

    def run(self, jobs: Iterable[J], on_epoch: OnEpoch[J]) -> Iterator[tuple[J, R]]:
        waiting = iter(jobs)
        for worker in self._workers:
            worker.give(next(waiting, None))
        while busy := [w for w in self._workers if w.job is not None]:
            heard = wait([worker.connection for worker in busy])
            for worker in busy:
                finished = self._hear(worker, on_epoch) if worker.connection in heard else None
                if finished is not None:
                    yield finished
                    worker.give(next(waiting, None))

    def _hear(self, worker: "_Worker[J]", on_epoch: OnEpoch[J]) -> tuple[J, R] | None:
        """Takes one message; returns a finished job with its result."""
        job = worker.job
        assert job is not None
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            self._replace(worker)
            return None
        if kind == "epoch":
            worker.send(on_epoch(job, content))
            return None
        if kind == "failed":
            raise RunFailed(f"{job}: {content}")
        if kind == "error":
            raise content
        return job, content

    def _replace(self, worker: "_Worker[J]") -> None:
        """A new process for a dead one, which takes up its job from the checkpoint."""
        job = worker.job
        worker.process.join()
        if worker.attempt >= ATTEMPTS:
            raise RunFailed(
                f"{'a run' if job is None else job}: its worker died {ATTEMPTS} times "
                f"(exit code {worker.process.exitcode}); if memory ran out, try fewer --workers"
            )
        fresh = self._start(worker.number)
        fresh.give(job)
        fresh.attempt = worker.attempt + 1
        self._workers[self._workers.index(worker)] = fresh


class _Worker(Generic[J]):
    def __init__(self, number: int, process: SpawnProcess, connection: Any) -> None:
        self.number = number
        self.process = process
        self.connection = connection
        self.job: J | None = None
        self.attempt = 1

    def give(self, job: J | None) -> None:
        self.job, self.attempt = job, 1
        if job is not None:
            self.send(job)

    def send(self, content: object) -> None:
        """To a process that may be dead: `recv` will tell, and it is replaced then."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(content)


def _serve(
    connection: Any, number: int, execute: Execute[J, R], prepare: Callable[[int], None]
) -> None:
    """A worker's life: jobs in, epochs and results out, until the parent is gone."""
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def report(row: EpochRow) -> bool:
        connection.send(("epoch", row))
        return _received(connection)

    try:
        prepare(number)
        while True:
            connection.send(("done", execute(_received(connection), report)))
    except BrokenPipeError:
        os._exit(1)
    except (UserError, OSError) as error:
        connection.send(("error", error))
    except Exception:
        connection.send(("failed", traceback.format_exc()))


def _received(connection: Any) -> Any:
    """What the parent sends; the process ends with it."""
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        os._exit(1)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in here inherit it, so that none dies noisily while it still imports."""
    resource_tracker.ensure_running()  # first: starting it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _main_as_it_may_be_imported() -> Iterator[None]:
    """Processes started in here do not run a script again that lacks the guard."""
    main = sys.modules[MAIN]
    if not main_is_guarded():
        sys.modules[MAIN] = ModuleType(MAIN)  # multiprocessing finds nothing to run there
    try:
        yield
    finally:
        sys.modules[MAIN] = main


def main_is_guarded() -> bool:
    """Whether workers can import the script that runs here, and what it defines."""
    file = getattr(sys.modules[MAIN], "__file__", None)
    return file is not None and plugins.is_guarded(Path(file))


def _die_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def default_workers(device: str) -> int:
    """On a CPU one per core, since small models gain little from threads; else one."""
    return threads_each(1) if device == "cpu" else 1


def threads_each(workers: int) -> int:
    """Threads per worker, so that all of them together use every core once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // workers)
