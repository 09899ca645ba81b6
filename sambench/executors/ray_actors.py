"""The driver's side of a Ray cluster: a job to each worker, and what they tell of it."""

import pickle
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, Generic

from sambench.errors import shortened
from sambench.executors.actor import End, News, RunWorker
from sambench.executors.attempts import ATTEMPTS, Attempts
from sambench.executors.away import packed
from sambench.executors.executor import J, OnEpoch, OnPlace, R, RunFailed, Work, untold
from sambench.executors.ray import Ray
from sambench.executors.ray_cluster import amounts, has_room

AHEAD = 4  # workers asked for beyond those at work, at least: what an autoscaler sees of demand
IDLE_S = 60.0  # after which a worker that nothing is left for goes
PATIENCE_S = 30.0  # until it is told that the cluster is too small


@dataclass
class _Held(Generic[J]):
    job: J
    attempts: Attempts = field(default_factory=Attempts)


class _Queue(Generic[J]):
    """Jobs whose workers died, then new ones, each taken from the iterable when there is room."""

    def __init__(self, jobs: Iterable[J]) -> None:
        self._new = iter(jobs)
        self._known: deque[_Held[J]] = deque()
        self._open = True

    def pop(self) -> _Held[J] | None:
        if self._known:
            return self._known.popleft()
        job = next(self._new, None) if self._open else None
        self._open = job is not None
        return None if job is None else _Held(job)

    def put_back(self, held: _Held[J]) -> None:
        self._known.appendleft(held)

    def is_empty(self) -> bool:
        """Looks one ahead."""
        if (held := self.pop()) is not None:
            self.put_back(held)
        return held is None

    @property
    def most(self) -> float:
        """How many there may still be."""
        return float("inf") if self._open else len(self._known)


@dataclass(eq=False)
class _Worker(Generic[J]):
    actor: Any
    host: str = ""
    """once it is ready"""
    held: _Held[J] | None = None
    idle_since: float = 0.0

    @property
    def is_idle(self) -> bool:
        return self.is_ready and self.held is None

    @property
    def is_ready(self) -> bool:
        return bool(self.host)


class Actors(Generic[J, R]):
    """Workers of a cluster. A dead one's job goes on, elsewhere, from what its folder has here.

    More are asked for than there is room for, so that a cluster that can grow does; a job is taken
    only when a worker is there for it.
    """

    def __init__(self, ray: ModuleType, settings: Ray, work: Work[J, R]) -> None:
        self._ray = ray
        self._settings = settings
        self._work = work
        threads = max(1, (settings.cpus_per_run or 1) // settings.processes)
        folder = None if "working_dir" in settings.runtime_env else Path.cwd()
        self._arguments = (_spelled(ray, work), threads, work.answers, folder)
        self._class = ray.remote(
            num_cpus=settings.cpus_per_run or 1,
            num_gpus=settings.gpus_per_run,
            resources=settings.resources,
            max_restarts=0,
        )(RunWorker)
        self._workers: list[_Worker[J]] = []
        self._heard: SimpleQueue[tuple[_Worker[J], Future[News]]] = SimpleQueue()
        self._stillborn = 0

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J] = untold
    ) -> Iterator[tuple[J, R]]:
        queue = _Queue(jobs)
        while True:
            if self._work.limit and self._work.is_late:
                while (late := queue.pop()) is not None:
                    yield late.job, self._work.limit.late(late.job)
            for worker in self._workers:
                if worker.is_idle and (held := queue.pop()) is not None:
                    self._give(worker, held)
                    on_place(held.job, worker.host)
            if all(worker.held is None for worker in self._workers) and queue.is_empty():
                self._fit(0)
                return
            self._fit(queue.most)
            if (heard := self._next()) is None:
                continue
            worker, future = heard
            if worker not in self._workers:
                continue  # it was told to go
            held = worker.held
            finished = self._hear(worker, future, queue, on_epoch)
            if finished is not None:
                yield finished
            elif held is not None and worker not in self._workers:
                on_place(held.job, "")

    def end(self) -> None:
        for worker in list(self._workers):
            self._dismiss(worker)

    def _fit(self, most: float) -> None:
        """Asks for workers, or dismisses some, as that many jobs at most are still to come."""
        ready = [worker for worker in self._workers if worker.is_ready]
        starting = [worker for worker in self._workers if not worker.is_ready]
        wanted = max(AHEAD, len(ready))
        if self._settings.workers is not None:
            wanted = self._settings.workers - len(ready)
        wanted = int(min(wanted, most))
        for _ in range(wanted - len(starting)):
            self._workers.append(worker := _Worker(self._class.remote(*self._arguments)))
            self._listen(worker, worker.actor.hear.remote())
        old = time.monotonic() - IDLE_S
        spare = [w for w in ready if w.is_idle and w.idle_since < old] if not most else []
        for worker in [*starting[wanted:], *spare]:
            self._dismiss(worker)

    def _dismiss(self, worker: _Worker[J]) -> None:
        self._workers.remove(worker)
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(worker.actor)

    def _give(self, worker: _Worker[J], held: _Held[J]) -> None:
        worker.held = held
        job = held.job.moved(held.job.folder.absolute(), held.job.cache.absolute())
        self._listen(worker, worker.actor.take.remote(_spelled(self._ray, job), packed(job.folder)))

    def _listen(self, worker: _Worker[J], news: Any) -> None:
        news.future().add_done_callback(lambda future: self._heard.put((worker, future)))

    def _next(self) -> tuple[_Worker[J], Future[News]] | None:
        """The next worker with news; None if there is none before time is up."""
        if any(worker.held for worker in self._workers):
            return self._heard.get()
        left_s = self._work.left_s
        patience_s = PATIENCE_S if left_s is None else min(PATIENCE_S, left_s)
        with suppress(Empty):
            return self._heard.get(timeout=patience_s)
        has, needs = self._ray.cluster_resources(), self._settings.needs
        if not has_room(needs, has):
            print(
                f"sambench: waiting for the Ray cluster to grow: a run takes {amounts(needs)}, "
                f"and it has {amounts(has)}",
                file=sys.stderr,
            )
        with suppress(Empty):
            return self._heard.get(timeout=self._work.left_s)
        return None

    def _hear(
        self, worker: _Worker[J], future: Future[News], queue: _Queue[J], on_epoch: OnEpoch[J]
    ) -> tuple[J, R] | None:
        """Takes its news; returns a finished job with its result."""
        held, exceptions = worker.held, self._ray.exceptions
        try:
            news = future.result()
        except exceptions.RayTaskError as error:
            raise RunFailed(f"{held.job if held else 'a Ray worker'}: {error}") from None
        except exceptions.RayError as error:
            return self._replace(worker, _why(error), queue)
        answers = []
        if held is not None:
            news.files.apply(held.job.folder)
            for row in news.rows:
                held.attempts.got_to(row)
                answers.append(on_epoch(held.job, row))
        match news.end:
            case None:
                heeded = answers if self._work.answers else ()
                self._listen(worker, worker.actor.hear.remote(*heeded))
                return None
            case End("failed", content):
                raise RunFailed(f"{held.job if held else 'a Ray worker'}: {content}")
            case End("error", content):
                raise content
        if news.end.how == "ready":
            worker.host = news.end.what
        worker.held, worker.idle_since = None, time.monotonic()
        self._stillborn = 0
        return None if held is None else (held.job, news.end.what)

    def _replace(self, worker: _Worker[J], why: str, queue: _Queue[J]) -> tuple[J, R] | None:
        """Lets another take up the job of a dead one, from its checkpoint.

        A job that its workers do not survive is given up: returned with what comes of that.
        """
        self._dismiss(worker)
        held = worker.held
        if held is None:
            self._stillborn += 1
            if self._stillborn == ATTEMPTS:
                raise RunFailed(f"no worker of the Ray cluster starts: {why}")
        elif held.attempts.again():
            queue.put_back(held)
        else:
            return held.job, self._work.lost(
                held.job, f"its worker died {ATTEMPTS} times, at last so: {why}"
            )
        return None


def _spelled(ray: ModuleType, content: object) -> bytes:
    """What is defined in a notebook or script goes by value."""
    return ray.cloudpickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)


def _why(error: Exception) -> str:
    """Ray's words for it, without its table of identifiers."""
    lines = [line for line in str(error).splitlines() if not line.startswith(("\t", " "))]
    return shortened(" ".join(" ".join(lines[1:] or lines).split()))
