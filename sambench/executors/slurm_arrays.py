"""Submissions of a study's jobs to Slurm, as few arrays as may be, and which job is which run."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic

from sambench.config import LARGEST_COUNT
from sambench.errors import UserError
from sambench.executors import slurm_queue
from sambench.executors.attempts import Attempts
from sambench.executors.executor import J, R, Work
from sambench.executors.slurm import Slurm
from sambench.executors.slurm_queue import State
from sambench.executors.slurm_told import Told
from sambench.files import write_atomically

if TYPE_CHECKING:
    from submitit.core.utils import JobPaths

    from sambench.executors.slurm_job import Task

FOREVER = 1_000_000  # times that a run may reach its time limit, as long as it gets on
FOLDER, RUNS = "slurm", "runs.json"
"""In a study's folder, that of all submissions; in that of each, which runs its jobs are."""


def ids(array: str, num: int) -> list[str]:
    """Of the jobs of a submission."""
    return [array] if num == 1 else [f"{array}_{i}" for i in range(num)]


@dataclass
class Try(Generic[J]):
    """A job, and how often it was submitted."""

    job: J
    attempts: Attempts = field(default_factory=Attempts)


@dataclass
class Sent(Generic[J]):
    """A job that is in the queue, runs, or has just ended."""

    own: Try[J]
    id: str
    paths: "JobPaths"
    told: Told
    host: str | None = None
    """where it runs; empty: it waits in the queue"""
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


class Arrays(Generic[J, R]):
    """Of a study.

    folder: of what is kept of them, that all nodes see
    name: of all jobs of the study, in Slurm
    largest: jobs of one array
    """

    def __init__(
        self, settings: Slurm, work: Work[J, R], folder: Path, name: str, largest: int
    ) -> None:
        self._settings = settings
        self._work = work
        self._folder = folder
        self._name = name
        self.largest = largest

    def known(self, queue: Mapping[str, State]) -> dict[str, str]:
        """Job, in words -> its id in the queue, of those that an earlier driver submitted."""
        known = {}
        for array in {id.partition("_")[0] for id, job in queue.items() if not job.ended}:
            try:
                runs = json.loads((self._folder / array / RUNS).read_text())
            except FileNotFoundError:  # the driver died in the middle of submitting it
                slurm_queue.cancel(array)
                continue
            known |= {
                run: id
                for run, id in zip(runs, ids(array, len(runs)), strict=True)
                if id in queue and not queue[id].ended
            }
        return known

    def submit(self, tries: Sequence[Try[J]], before: Sequence[str]) -> Iterator[Sent[J]]:
        """`before`: arrays that are still in the queue."""
        import cloudpickle

        from sambench.executors.slurm_job import Task

        work, limit_s = cloudpickle.dumps(self._work), 60.0 * self._settings.time
        before = list(before)
        for first in range(0, len(tries), self.largest):
            part = tries[first : first + self.largest]
            pickled = (cloudpickle.dumps(own.job) for own in part)
            tasks = [Task(work, job, self._settings.threads, limit_s) for job in pickled]
            accepted = self._accepted(tasks, before)
            array = accepted[0].partition("_")[0]
            runs = [str(own.job) for own in part]
            write_atomically(self._folder / array / RUNS, json.dumps(runs))
            before.append(array)
            yield from map(self.sent, part, accepted)

    def _accepted(self, tasks: Sequence["Task"], before: Sequence[str]) -> list[str]:
        """The ids that Slurm gives them. UserError in Slurm's words."""
        import submitit
        from submitit.core.utils import FailedJobError, environment_variables

        executor = submitit.SlurmExecutor(
            self._folder / "%A", max_num_timeout=FOREVER, python=self._settings.python
        )
        capped = self._settings.workers if self._work.eager else None
        waits = f"afterany:{':'.join(before)}" if capped and before else ""
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

    def sent(self, own: Try[J], id: str) -> Sent[J]:
        """A job by the id that it has in the queue."""
        from submitit.core.utils import JobPaths

        paths = JobPaths(self._folder / "%A", job_id=id)
        return Sent(own, id, paths, Told(paths.folder, id))
