"""Jobs of a Slurm cluster, submitted as arrays by submitit.

A job goes on without its driver. What is in the queue is told by Slurm, which job is which run by a
file beside each submission, and how a run ended by its result: the same command takes all of it up.
"""

import json
import os
import pickle
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic

from pydantic import BeforeValidator, Field, model_validator

from sambench.config import LARGEST_COUNT, Broken, Count, Listed
from sambench.errors import UserError, echo, shortened
from sambench.executors import slurm_queue
from sambench.executors.attempts import ATTEMPTS, Attempts
from sambench.executors.executor import Detached, Executor, J, OnEpoch, R, RunFailed, Work
from sambench.executors.registry import register
from sambench.executors.slurm_queue import State
from sambench.files import write_atomically

if TYPE_CHECKING:
    from submitit.core.utils import JobPaths

    from sambench.executors.slurm_job import Ending, Task, Told

POLL_S = 1.0  # between two looks at the files of running jobs; longer where these take long
LOOK_S = 5.0  # between two looks at the queue
GRACE_S = 5.0  # for a result to appear after its job left the queue
NOTICE_S = 90  # before a time limit
FOREVER = 1_000_000  # times that a run may reach its time limit, as long as it gets on
OWN = ("array", "error", "job-name", "open-mode", "output", "signal", "time", "wrap")
"""Options of sbatch that are the executor's; some have a setting."""
DEVICES = ("gres", "gpus", "gpus-per-node", "gpus-per-task")
RUNS = "runs.json"


def _minutes(given: object) -> object:
    """Of a time as sbatch takes it: minutes, or [days-]hours[:minutes[:seconds]]."""
    if isinstance(given, str):
        match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", given.strip())
        if match is None:
            raise Broken(f'must be minutes, or as "4:00:00" or "2-12", got {echo(given)}')
        days, *rest = match.groups()
        parts = [int(part) for part in rest if part]
        if days is None and len(parts) < 3:  # "90" and "90:30" begin with minutes
            parts.insert(0, 0)
        hours, minutes, seconds = (*parts, 0, 0)[:3]
        given = ceil(int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LARGEST_COUNT:
        raise Broken(f'must be minutes >= 1, or as "4:00:00", got {echo(given)}')
    return given


def _options(given: object) -> object:
    """Options of sbatch, spelled as on its command line."""
    if not isinstance(given, dict):
        raise Broken(f"must be a table, got {echo(given)}")
    options = {str(key).lstrip("-").replace("_", "-"): value for key, value in given.items()}
    for key, value in options.items():
        if not re.fullmatch(r"[a-z][a-z0-9-]*", key):
            raise Broken(f"no option of sbatch, which are long ones such as account: {echo(key)}")
        if key in OWN:
            setting = {"time": "; write time, above [sbatch]"}.get(key, "")
            raise Broken(f"is the executor's own{setting}", key)
        if not isinstance(value, str | int | float):
            raise Broken(f"must be a string, a number, true or false, got {echo(value)}", key)
    return options


@register("slurm")
class Slurm(Executor):
    """Jobs of a cluster. The study's folder has to be on a file system that all nodes share."""

    remote: ClassVar[bool] = True
    queues: ClassVar[bool] = True

    workers: Count | None = None
    """runs at a time, by the throttle of the arrays; default: as many as Slurm lets"""
    gpus_per_run: Annotated[float, Field(ge=0, le=1024)] = 0.0
    """whole: Slurm's way to share a GPU is a gres of the site's, such as shard, under [sbatch]"""
    cpus_per_run: Count | None = 1
    """cores and threads of each of a run's processes"""
    time: Annotated[int, BeforeValidator(_minutes)] = 60
    """of a job, in minutes or as "4:00:00"; a run that takes longer is requeued, and goes on"""
    partition: str | None = None
    memory: str | None = None
    """of a job, as sbatch's --mem takes it: "8G\""""
    setup: Annotated[tuple[str, ...], Listed] = ()
    """lines of shell before a run: modules, environments"""
    python: str | None = None
    """what starts Python, such as "apptainer exec image.sif python"; default: this one"""
    sbatch: Annotated[dict[str, str | int | float | bool], BeforeValidator(_options)] = Field(
        default_factory=dict
    )
    """any further option of sbatch: account, qos, constraint, gres, ..."""

    @model_validator(mode="after")
    def _no_part_of_a_device(self) -> "Slurm":
        if self.gpus_per_run != int(self.gpus_per_run):
            rule = f"must be whole, got {self.gpus_per_run:g}; to share one, see [sbatch] gres"
            raise Broken(rule, "gpus_per_run")
        return self

    @property
    def threads(self) -> int:
        """Of each process, of which a run may have several."""
        return self.cpus_per_run or 1

    def opened(self, work: Work[J, R]) -> AbstractContextManager["Jobs[J, R]"]:
        try:
            import submitit as submitit
        except ImportError:
            raise UserError(
                "--on slurm: needs submitit, which is not installed: pip install 'sambench[slurm]'"
            ) from None
        if not work.eager and self.workers is None:
            raise UserError(
                "--on slurm: workers: is required where a study's sampler adapts to results: how "
                "many are tried at a time"
            )
        slurm_queue.check()
        return Jobs(self, work, slurm_queue.max_array_size())

    def parameters(self, name: str, throttle: int, dependency: str) -> dict[str, Any]:
        """What submitit is told of jobs.

        throttle: jobs at a time of one array
        dependency: what they wait for, besides what the settings say; "" for nothing
        """
        cpus = self.threads * self.processes
        own: dict[str, Any] = {"requeue": True}
        own |= {k.replace("-", "_"): v for k, v in self.sbatch.items() if v is not False}
        if dependency:
            own["dependency"] = ",".join(filter(None, [own.get("dependency"), dependency]))
        asks = int(self.gpus_per_run) if not set(DEVICES) & self.sbatch.keys() else None
        return {
            "job_name": name,
            "partition": self.partition,
            "time": self.time,
            "mem": self.memory,
            "cpus_per_task": cpus,
            "gpus_per_node": asks or None,
            "setup": list(self.setup),
            "array_parallelism": throttle,
            "signal_delay_s": min(NOTICE_S, 15 * self.time),
            "srun_args": [f"--cpus-per-task={cpus}"],  # which Slurm 22.05 and later want to be told
            "stderr_to_stdout": True,
            "additional_parameters": own,
        }


@dataclass
class _Try(Generic[J]):
    """A job, and how often it was submitted."""

    job: J
    attempts: Attempts = field(default_factory=Attempts)


@dataclass
class _Sent(Generic[J]):
    """A job that is in the queue, runs, or has just ended."""

    own: _Try[J]
    id: str
    paths: "JobPaths"
    told: "Told"
    since: float = field(default_factory=time.monotonic)
    missed: float | None = None
    """since when it is not in the queue any more"""

    @property
    def array(self) -> str:
        return self.id.partition("_")[0]

    def forget(self) -> None:
        """Removes its files, but for its log."""
        for path in (self.paths.submitted_pickle, self.paths.result_pickle, *self.told.files):
            path.unlink(missing_ok=True)


class Jobs(Generic[J, R]):
    """A study's jobs in the queue of a cluster. A context manager; leaving it ends none of them."""

    def __init__(self, settings: Slurm, work: Work[J, R], largest: int) -> None:
        """`largest`: jobs of one array."""
        self._settings = settings
        self._work = work
        self._largest = largest
        self._folder = work.folder.absolute() / "slurm"
        self._name = slurm_queue.name_of(work.folder)
        self._queue: dict[str, State] = {}
        self._looked = 0.0
        self._sent: list[_Sent[J]] = []
        self._again: list[_Try[J]] = []
        """jobs that died, to be submitted anew"""

    def __enter__(self) -> "Jobs[J, R]":
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type | None, error: object, trace: object) -> None:
        if self._sent and kind is not Detached:
            print(f"sambench: {self._left()}", file=sys.stderr)

    def _left(self) -> str:
        """What is said of jobs that are left in the queue."""
        arrays = sorted({sent.array for sent in self._sent}, key=int)
        runs = "1 run is" if len(self._sent) == 1 else f"{len(self._sent)} runs are"
        return (
            f"{runs} in Slurm's queue (jobs {shortened(', '.join(arrays), 60)}); the same command "
            f"goes on with what they find, scancel --name={self._name} ends them"
        )

    def run(self, jobs: Iterable[J], on_epoch: OnEpoch[J]) -> Iterator[tuple[J, R]]:
        known = self._known()  # before the first job is asked for: what ended by then has a result
        waiting = iter(jobs)
        while self._take(waiting, known):
            began = time.monotonic()
            for sent in list(self._sent):
                if (ended := self._hear(sent, on_epoch)) is not None:
                    yield ended
            if self._sent and self._work.detach:
                raise Detached(self._left())
            if self._sent:
                time.sleep(max(POLL_S, 5 * (time.monotonic() - began)))
                self._look()

    def _known(self) -> dict[str, str]:
        """Job, in words -> its id in the queue, of those that an earlier driver submitted."""
        self._queue = slurm_queue.jobs(self._name)
        self._looked = time.monotonic()
        known = {}
        for array in {id.partition("_")[0] for id, job in self._queue.items() if not job.ended}:
            try:
                runs = json.loads((self._folder / array / RUNS).read_text())
            except FileNotFoundError:  # the driver died in the middle of submitting it
                slurm_queue.cancel(array)
                continue
            ids = [array] if len(runs) == 1 else [f"{array}_{i}" for i in range(len(runs))]
            alive = (id in self._queue and not self._queue[id].ended for id in ids)
            known |= {run: id for run, id, lives in zip(runs, ids, alive, strict=True) if lives}
        return known

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
        while batch := list(islice(taken, self._largest)):
            new = []
            for job in batch:
                if (id := known.pop(str(job), None)) is None:
                    new.append(_Try(job))
                else:
                    self._sent.append(self._as_sent(_Try(job), id))
            self._submit(new)
        return bool(self._sent)

    def _submit(self, tries: Sequence[_Try[J]]) -> None:
        """As few arrays as may be."""
        import cloudpickle

        from sambench.executors.slurm_job import Task

        work, limit_s = cloudpickle.dumps(self._work), 60.0 * self._settings.time
        for first in range(0, len(tries), self._largest):
            part = tries[first : first + self._largest]
            pickled = (cloudpickle.dumps(own.job) for own in part)
            ids = self._accepted(
                [Task(work, job, self._settings.threads, limit_s) for job in pickled]
            )
            runs = self._folder / ids[0].partition("_")[0] / RUNS
            write_atomically(runs, json.dumps([str(own.job) for own in part]))
            self._sent += map(self._as_sent, part, ids)

    def _accepted(self, tasks: Sequence["Task"]) -> list[str]:
        """The ids that Slurm gives them. UserError in Slurm's words."""
        import submitit
        from submitit.core.utils import FailedJobError, environment_variables

        executor = submitit.SlurmExecutor(
            self._folder / "%A", max_num_timeout=FOREVER, python=self._settings.python
        )
        capped = self._settings.workers if self._work.eager else None
        before = sorted({sent.array for sent in self._sent}, key=int) if capped else ()
        waits = f"afterany:{':'.join(before)}" if before else ""
        executor.update_parameters(
            **self._settings.parameters(self._name, capped or LARGEST_COUNT, waits)
        )
        with ExitStack() as stack:
            if "SLURM_JOB_ID" in os.environ:  # the driver is a job itself
                conf = {k: v for k, v in os.environ.items() if k == "SLURM_CONF"}
                stack.enter_context(submitit.helpers.clean_env())
                stack.enter_context(environment_variables(**conf))
            try:
                return [job.job_id for job in executor.submit_array(tasks)]
            except FailedJobError as error:
                said = slurm_queue.said(str(error))
                raise UserError(f"--on slurm: sbatch refuses the jobs: {said}") from None

    def _as_sent(self, own: _Try[J], id: str) -> _Sent[J]:
        from submitit.core.utils import JobPaths

        from sambench.executors.slurm_job import Told

        paths = JobPaths(self._folder / "%A", job_id=id)
        return _Sent(own, id, paths, Told(paths.folder, id))

    def _hear(self, sent: _Sent[J], on_epoch: OnEpoch[J]) -> tuple[J, R] | None:
        """Takes in what a job has told since; returns it with its result once it has come to one.

        A job that died is submitted anew, unless too many have before it got any further.
        """
        state = self._queue.get(sent.id)
        if state is not None and state.name == "PENDING":
            sent.missed = None
            return None
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

    def _ended(self, sent: _Sent[J]) -> tuple[J, R] | None:
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

    def _is_dead(self, sent: _Sent[J], state: State | None) -> bool:
        """Whether a job has left the queue, and no result has come for a while."""
        if self._looked < sent.since:
            return False
        if state is not None and not state.ended:
            sent.missed = None
            return False
        sent.missed = sent.missed or self._looked
        return self._looked - sent.missed >= GRACE_S

    def _buried(self, sent: _Sent[J], state: State | None) -> tuple[J, R] | None:
        """UserError where its node saw nothing of ours."""
        died, log = state or State("vanished from the queue"), sent.paths.stdout
        self._sent.remove(sent)
        if died.nodes and died.name != "CANCELLED" and not log.exists():
            raise UserError(
                f"--on slurm: job {sent.id} ended, {died}, without a trace in {log.parent}: the "
                "study's folder must be on a file system that all nodes share; choose its --root"
            )
        return self._tried_again(sent, str(died))

    def _tried_again(self, sent: _Sent[J], why: str) -> tuple[J, R] | None:
        own = sent.own
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
