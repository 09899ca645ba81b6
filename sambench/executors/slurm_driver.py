"""The driver's side of a study's jobs in Slurm's queue: what they tell, and what becomes of them.

A job goes on without its driver. What is in the queue is told by Slurm, which job is which run by a
file beside each submission, and how a run ended by its result: the same command takes all of it up.
"""

import pickle
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Generic

from sambench.errors import UserError, shortened
from sambench.executors import slurm_queue
from sambench.executors.attempts import ATTEMPTS
from sambench.executors.executor import Detached, J, OnEpoch, OnPlace, R, RunFailed, Work, untold
from sambench.executors.slurm import Slurm
from sambench.executors.slurm_arrays import FOLDER, Arrays, Sent, Try
from sambench.executors.slurm_queue import State

if TYPE_CHECKING:
    from sambench.executors.slurm_job import Ending

POLL_S = 1.0  # between two looks at the files of running jobs; longer where these take long
LOOK_S = 5.0  # between two looks at the queue
GRACE_S = 5.0  # for a result to appear after its job left the queue


class Jobs(Generic[J, R]):
    """A study's jobs in the queue of a cluster. A context manager; leaving it ends none of them."""

    def __init__(self, settings: Slurm, work: Work[J, R], largest: int) -> None:
        """`largest`: jobs of one array."""
        self._settings = settings
        self._work = work
        self._folder = work.folder.absolute() / FOLDER
        self._name = slurm_queue.name_of(work.folder)
        self._arrays = Arrays(settings, work, self._folder, self._name, largest)
        self._queue: dict[str, State] = {}
        self._looked = 0.0
        self._sent: list[Sent[J]] = []
        self._again: list[Try[J]] = []
        """jobs that died, to be submitted anew"""

    def __enter__(self) -> "Jobs[J, R]":
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type | None, error: object, trace: object) -> None:
        if self._sent and kind is not Detached:
            print(f"sambench: {self._left()}", file=sys.stderr)

    def _left(self) -> str:
        """What is said of jobs that are left in the queue."""
        arrays = ", ".join(self._in_queue)
        runs = "1 run is" if len(self._sent) == 1 else f"{len(self._sent)} runs are"
        return (
            f"{runs} in Slurm's queue (jobs {shortened(arrays, 60)}); the same command "
            f"goes on with what they find, scancel --name={self._name} ends them"
        )

    @property
    def _in_queue(self) -> list[str]:
        """The arrays of jobs that have not ended."""
        return sorted({sent.array for sent in self._sent}, key=int)

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J] = untold
    ) -> Iterator[tuple[J, R]]:
        self._queue, self._looked = slurm_queue.jobs(self._name), time.monotonic()
        # before the first job is asked for: what ended by then has a result
        known = self._arrays.known(self._queue)
        waiting = iter(jobs)
        while self._take(waiting, known):
            began = time.monotonic()
            for sent in list(self._sent):
                self._tell_place(sent, on_place)
                if (ended := self._hear(sent, on_epoch)) is not None:
                    yield ended
            if self._sent and self._work.detach:
                raise Detached(self._left())
            if self._sent:
                time.sleep(max(POLL_S, 5 * (time.monotonic() - began)))
                self._look()
            if self._work.is_late and any(map(self._waits, self._sent)):
                slurm_queue.cancel_waiting(self._name)

    def _waits(self, sent: Sent[J]) -> bool:
        state = self._queue.get(sent.id)
        return state is not None and state.name == "PENDING"

    def _tell_place(self, sent: Sent[J], on_place: OnPlace[J]) -> None:
        state = self._queue.get(sent.id)
        if state is None or state.ended:
            return
        host = "" if self._waits(sent) else state.nodes
        if host != sent.host:
            sent.host = host
            on_place(sent.own.job, host)

    def _look(self) -> None:
        """At the queue, unless that was a moment ago; a controller may be down for a while."""
        if time.monotonic() - self._looked > LOOK_S:
            with suppress(UserError):
                self._queue = slurm_queue.jobs(self._name)
                self._looked = time.monotonic()

    def _take(self, waiting: Iterator[J], known: dict[str, str]) -> bool:
        """Submits jobs that wait, as many as there may be, unless they are in the queue already.

        Whether there are any left.
        """
        again, self._again = self._again, []
        self._submit(again)
        room = None if self._work.eager else (self._settings.workers or 1) - len(self._sent)
        taken = islice(waiting, room)
        while batch := list(islice(taken, self._arrays.largest)):
            new = []
            for job in batch:
                if (id := known.pop(str(job), None)) is None:
                    new.append(Try(job))
                else:
                    self._sent.append(self._arrays.sent(Try(job), id))
            self._submit(new)
        return bool(self._sent)

    def _submit(self, tries: Sequence[Try[J]]) -> None:
        self._sent.extend(self._arrays.submit(tries, self._in_queue))

    def _hear(self, sent: Sent[J], on_epoch: OnEpoch[J]) -> tuple[J, R] | None:
        """Takes in what a job has told since; returns it with its result once it has come to one.

        A job that died is submitted anew, unless too many have before it got any further.
        """
        if self._waits(sent):
            sent.missed = None
            return None
        state = self._queue.get(sent.id)
        over = sent.paths.result_pickle.exists()
        stop = False
        for row in (rows := sent.told.heard()):
            stop = on_epoch(sent.own.job, row)
            sent.own.attempts.got_to(row)
        if rows and self._work.answers:
            sent.told.tell_answer(stop)
        if over:
            return self._ended(sent)
        return self._buried(sent, state) if self._is_dead(sent, state) else None

    def _ended(self, sent: Sent[J]) -> tuple[J, R] | None:
        job, ending = sent.own.job, _ending(sent.paths.result_pickle)
        self._sent.remove(sent)
        match ending.kind:
            case "done":
                sent.forget()
                return job, ending.content
            case "error":
                raise ending.content
            case "late":
                return job, self._work.lost(job, f"{ending.content} (log: {sent.paths.stdout})")
            case "left":
                return self._tried_again(sent, ending.content)
        raise RunFailed(f"{job}: {ending.content}")

    def _is_dead(self, sent: Sent[J], state: State | None) -> bool:
        """Whether a job has left the queue, and no result has come for a while."""
        if self._looked < sent.since:
            return False
        if state is not None and not state.ended:
            sent.missed = None
            return False
        sent.missed = sent.missed or self._looked
        return self._looked - sent.missed >= GRACE_S

    def _buried(self, sent: Sent[J], state: State | None) -> tuple[J, R] | None:
        """UserError where its node saw nothing of ours."""
        died, log = state or State("vanished from the queue"), sent.paths.stdout
        self._sent.remove(sent)
        if died.nodes and died.name != "CANCELLED" and not log.exists():
            raise UserError(
                f"--on slurm: job {sent.id} ended, {died}, without a trace in {log.parent}: the "
                "study's folder must be on a file system that all nodes share; choose its --root"
            )
        return self._tried_again(sent, str(died))

    def _tried_again(self, sent: Sent[J], why: str) -> tuple[J, R] | None:
        own = sent.own
        if self._work.limit and self._work.is_late:
            return own.job, self._work.limit.late(own.job)
        if own.attempts.again():
            self._again.append(own)
            return None
        reason = f"its worker died {ATTEMPTS} times before it got any further: {why}"
        return own.job, self._work.lost(own.job, f"{reason} (log: {sent.paths.stdout})")


def _ending(result: Path) -> "Ending":
    """Of a job, from the pickle that submitit wrote for us in the study's folder."""
    from sambench.executors.slurm_job import Ending

    with result.open("rb") as file:
        kind, content = pickle.load(file)
    return content if kind == "success" else Ending("failed", content)
