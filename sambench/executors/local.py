"""Processes of this machine, that die with this one."""

import multiprocessing as mp
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Generic

from sambench import plugins
from sambench.errors import UserError, WorkFailed
from sambench.executors.attempts import ATTEMPTS, Attempts
from sambench.executors.executor import (
    EpochRow,
    Executor,
    J,
    OnEpoch,
    OnPlace,
    R,
    RunFailed,
    Work,
    untold,
)
from sambench.executors.registry import register

MAIN = "__main__"
WARM = "sambench.executors.warm"
"""What the server imports that workers are forked from."""


@register("local")
class Local(Executor):
    """Processes of this machine; a device may be shared by several."""

    def opened(self, work: Work[J, R]) -> AbstractContextManager["Processes[J, R]"]:
        num = self.workers or self.room(work.devices)
        return Processes(self, num, work)

    def room(self, devices: int) -> int:
        """Runs at a time: on a CPU one per core, as small models gain little from threads."""
        if devices:
            return max(1, int(devices / (self.gpus_per_run or 1)))
        return max(1, threads_each(1) // ((self.cpus_per_run or 1) * self.processes))

    def threads(self, workers: int) -> int:
        """Of each process, of which a run may have several."""
        return self.cpus_per_run or threads_each(workers * self.processes)


class Processes(Generic[J, R]):
    """Worker processes with their share of devices and threads. A context manager.

    They are forked from one server that has imported what all of them need, so that starting one
    takes no seconds.
    """

    def __init__(self, settings: Local, num: int, work: Work[J, R]) -> None:
        self._settings = settings
        self._num = num
        self._work = work
        self._context = mp.get_context("forkserver")
        self._context.set_forkserver_preload([WARM])
        self._workers: list[_Worker[J]] = []

    def __enter__(self) -> "Processes[J, R]":
        self._workers = [_Worker(i, *self._started(i)) for i in range(self._num)]
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()

    def _started(self, number: int) -> tuple[ForkServerProcess, Any]:
        """A process, and the connection to it."""
        ours, theirs = self._context.Pipe()
        place = int(number * self._settings.gpus_per_run), self._settings.threads(self._num)
        arguments = (theirs, dict(os.environ), self._work, *place)
        process = self._context.Process(target=_serve, args=arguments)  # may have children
        with _deaf_to_ctrl_c(), _main_as_it_may_be_imported():
            process.start()
        theirs.close()
        return process, ours

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J] = untold
    ) -> Iterator[tuple[J, R]]:
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
            return self._replace(worker)
        if kind == "epoch":
            worker.attempts.got_to(content)
            worker.send(on_epoch(job, content))
            return None
        if kind == "failed":
            raise RunFailed(f"{job}: {content}")
        if kind == "error":
            raise content
        return job, content

    def _replace(self, worker: "_Worker[J]") -> tuple[J, R] | None:
        """A new process for a dead one, which takes up its job from the checkpoint.

        A job that its workers do not survive is given up: returned with what comes of that.
        """
        job = worker.job
        assert job is not None
        worker.process.join()
        died = worker.process.exitcode
        worker.process, worker.connection = self._started(worker.number)
        if worker.again():
            return None
        reason = (
            f"its worker died {ATTEMPTS} times (exit code {died}); "
            "if memory ran out, try fewer --workers"
        )
        return job, self._work.lost(job, reason)


def begin_server() -> None:
    """Starts the server that workers are forked from, and returns at once.

    It takes seconds to import what they need: whoever has as much to import himself does so
    meanwhile. Where it is left out, the first worker waits.
    """
    forkserver.set_forkserver_preload([WARM])
    with _deaf_to_ctrl_c(), _main_as_it_may_be_imported():
        forkserver.ensure_running()


class _Worker(Generic[J]):
    def __init__(self, number: int, process: ForkServerProcess, connection: Any) -> None:
        self.number = number
        self.process = process
        self.connection = connection
        self.job: J | None = None
        self.attempts = Attempts()

    def give(self, job: J | None) -> None:
        self.job, self.attempts = job, Attempts()
        if job is not None:
            self.send(job)

    def again(self) -> bool:
        """Gives its job to a new process, unless too many have died before it got any further."""
        if not self.attempts.again():
            return False
        self.send(self.job)
        return True

    def send(self, content: object) -> None:
        """To a process that may be dead: `recv` will tell, and it is replaced then."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(content)


def _serve(
    connection: Any, environment: Mapping[str, str], work: Work[J, R], device: int, threads: int
) -> None:
    """A worker's life: jobs in, epochs and results out, until the parent is gone."""
    os.environ.clear()
    os.environ.update(environment)  # the server has that of its own start
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def report(row: EpochRow) -> bool:
        connection.send(("epoch", row))
        return _received(connection)

    try:
        work.prepare(device, threads)
        while True:
            connection.send(("done", work.execute(_received(connection), report)))
    except BrokenPipeError:
        os._exit(1)
    except (UserError, WorkFailed, OSError) as error:
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


def threads_each(workers: int) -> int:
    """Threads per worker, so that all of them together use every core once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // workers)
