"""Who executes runs: this process, or local worker processes that die with it."""

import multiprocessing as mp
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, NamedTuple, Protocol

from sambench.errors import UserError

ATTEMPTS = 3  # how often a run is started whose worker dies under it


class Job(NamedTuple):
    """Something to execute: `key` says whose it is, `payload` goes to the executing function."""

    key: Any
    payload: Any


Execute = Callable[[Any, Callable[[dict[str, float]], bool]], Any]
"""(payload, report) -> result; `report` takes an epoch's row and says whether to stop."""

OnEpoch = Callable[[Job, dict[str, float]], bool]


class Executor(Protocol):
    """Executes jobs, taken from the iterable one by one as there is room for them."""

    def run(self, jobs: Iterable[Job], on_epoch: OnEpoch) -> Iterator[tuple[Job, Any]]: ...


class RunFailed(Exception):
    """A run raised an error, or its worker process died every time it was tried."""


class Inline:
    """One job after the other, in this process."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def run(self, jobs: Iterable[Job], on_epoch: OnEpoch) -> Iterator[tuple[Job, Any]]:
        for job in jobs:
            yield job, self._execute(job.payload, lambda row, job=job: on_epoch(job, row))


class Processes:
    """`num` worker processes with their share of the threads. A context manager: leaving ends them.

    `prepare` runs first in each worker, with its number; it and `execute` must be importable.
    """

    def __init__(self, num: int, execute: Execute, prepare: Callable[[int], None]) -> None:
        self._num = num
        self._arguments = (execute, prepare)
        self._context = mp.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> "Processes":
        self._workers = [self._start(i) for i in range(self._num)]
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def _start(self, number: int) -> "_Worker":
        ours, theirs = self._context.Pipe()
        arguments = (theirs, number, *self._arguments)
        process = self._context.Process(target=_serve, args=arguments)  # may have children
        with _deaf_to_ctrl_c():
            process.start()
        theirs.close()
        return _Worker(number, process, ours)

    def run(self, jobs: Iterable[Job], on_epoch: OnEpoch) -> Iterator[tuple[Job, Any]]:
        waiting = iter(jobs)
        for worker in self._workers:
            worker.give(next(waiting, None))
        while busy := {w.connection: w for w in self._workers if w.job is not None}:
            for connection in wait(list(busy)):
                worker = busy[connection]  # pyright: ignore[reportArgumentType]
                finished = self._hear(worker, on_epoch)
                if finished is not None:
                    yield finished
                    worker.give(next(waiting, None))

    def _hear(self, worker: "_Worker", on_epoch: OnEpoch) -> tuple[Job, Any] | None:
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
            raise RunFailed(f"{job.key}: {content}")
        if kind == "error":
            raise content
        return job, content

    def _replace(self, worker: "_Worker") -> None:
        """A new process for a dead one, which takes up its job from the checkpoint."""
        job = worker.job
        worker.process.join()
        if worker.attempt >= ATTEMPTS:
            raise RunFailed(
                f"{job.key if job else 'a run'}: its worker died {ATTEMPTS} times "
                f"(exit code {worker.process.exitcode}); if memory ran out, try fewer --workers"
            )
        fresh = self._start(worker.number)
        fresh.give(job)
        fresh.attempt = worker.attempt + 1
        self._workers[self._workers.index(worker)] = fresh


class _Worker:
    def __init__(self, number: int, process: SpawnProcess, connection: Any) -> None:
        self.number = number
        self.process = process
        self.connection = connection
        self.job: Job | None = None
        self.attempt = 1

    def give(self, job: Job | None) -> None:
        self.job, self.attempt = job, 1
        if job is not None:
            self.send(job.payload)

    def send(self, content: Any) -> None:
        """To a process that may be dead: `recv` will tell, and it is replaced then."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(content)


def _serve(connection: Any, number: int, execute: Execute, prepare: Callable[[int], None]) -> None:
    """A worker's life: payloads in, epochs and results out, until the parent is gone."""
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def receive() -> Any:
        try:
            return connection.recv()
        except (EOFError, ConnectionResetError):
            os._exit(1)

    def report(row: dict[str, float]) -> bool:
        connection.send(("epoch", row))
        return receive()

    try:
        prepare(number)
        while True:
            connection.send(("done", execute(receive(), report)))
    except BrokenPipeError:
        os._exit(1)
    except (UserError, OSError) as error:
        connection.send(("error", error))
    except Exception:
        connection.send(("failed", traceback.format_exc()))


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in here inherit it, so that none dies noisily while it still imports."""
    resource_tracker.ensure_running()  # first: starting it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def threads_each(workers: int) -> int:
    """Threads per worker, so that all of them together use every core once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // workers)
