"""What executors have in common: jobs in, results out, an answer to every epoch."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from sambench.config import Broken, Count, Table


class Job(Protocol):
    """What is executed; messages call it by its `str`."""

    @property
    def folder(self) -> Path:
        """Of what it has so far, and of its result; nobody else writes there."""
        ...

    @property
    def cache(self) -> Path:
        """Of data that jobs share."""
        ...

    def moved(self, folder: Path, cache: Path) -> Self:
        """The same job on another machine."""
        ...


J = TypeVar("J", bound=Job)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

EpochRow = dict[str, float]
"""What is known of an epoch, by name; "epoch" counts from 1."""

Execute = Callable[[J, Callable[[EpochRow], bool]], R]
"""(job, report) -> result; `report` takes an epoch's row and says whether to stop."""

OnEpoch = Callable[[J, EpochRow], bool]

OnPlace = Callable[[J, str], None]
"""(job, host): where it is executed from now on; no host: it waits for one"""

Prepare = Callable[[int, int], None]
"""(device, threads): the first device of the worker among those that it sees, and its threads"""


def untold(job: object, host: str) -> None:
    """Of whoever does not ask where jobs are executed."""


@dataclass(frozen=True)
class Limit(Generic[J, R]):
    """A time from which on no job begins; those that run end by themselves."""

    at: float
    """seconds since the epoch"""
    late: Callable[[J], R]
    """the result of a job that did not begin, or cannot go on"""

    @property
    def is_over(self) -> bool:
        return time.time() >= self.at


@dataclass(frozen=True)
class Work(Generic[J, R]):
    """What is to be done with jobs, wherever that is. All functions can be imported by others."""

    execute: Execute[J, R]
    prepare: Prepare
    """runs first in each worker"""
    lost: Callable[[J, str], R]
    """(job, reason) -> the result of a job whose workers keep dying and that gets no further"""
    folder: Path
    """of the study, for what an executor has to keep"""
    devices: int = 0
    """accelerators of this machine to share out; none on a CPU"""
    answers: bool = True
    """whether a job may be told to stop; else nobody has to wait for the answer"""
    eager: bool = False
    """whether all jobs may be taken at once; else each depends on the results before it"""
    limit: Limit[J, R] | None = None
    """after which what waits for its place is given back"""
    detach: bool = False
    """whether to leave once all jobs are in the cluster's queue: `run` raises Detached"""

    @property
    def is_late(self) -> bool:
        return self.limit is not None and self.limit.is_over

    @property
    def left_s(self) -> float | None:
        """Seconds until the limit; None where there is none."""
        return None if self.limit is None else max(0.0, self.limit.at - time.time())


class Workers(Protocol[J, R_co]):
    """Executes jobs, taken from the iterable one by one as there is room for them.

    An executor that `queues` takes all of them at once where the work is `eager`.
    """

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J] = untold
    ) -> Iterator[tuple[J, R_co]]:
        """`on_place` is told by executors that are `remote`."""
        ...


class Executor(Table):
    """Where runs execute: settings, which are the keys of a file for --on, and how to open it."""

    remote: ClassVar[bool] = False
    """whether runs execute on other machines: then `gpus_per_run` says on which device, and what
    this one has does not matter"""
    queues: ClassVar[bool] = False
    """whether jobs wait in a queue of the cluster's, and can be left there: `Work.detach`"""

    workers: Count | None = None
    """runs at a time; default: as many as there is room for"""
    gpus_per_run: Annotated[float, Field(ge=0, le=1024)] = 1.0
    """4: torchrun trains each run on four (on a CPU: by four processes); 0.5: two runs share one"""
    cpus_per_run: Count | None = None
    """cores and threads of a run; default: its share of them"""

    @model_validator(mode="after")
    def _whole_devices(self) -> "Executor":
        if self.gpus_per_run > 1 and self.gpus_per_run != int(self.gpus_per_run):
            raise Broken(f"must be whole, or < 1, got {self.gpus_per_run:g}", "gpus_per_run")
        return self

    @property
    def processes(self) -> int:
        """That train one run."""
        return max(1, int(self.gpus_per_run))

    def opened(self, work: Work[J, R]) -> AbstractContextManager[Workers[J, R]]:
        """Its workers, which end when the context does. UserError where they cannot be had."""
        raise NotImplementedError


class RunFailed(Exception):
    """A worker could not even begin: what it imports or how it is set up raised an error."""


class Detached(Exception):
    """All jobs are in the cluster's queue, and nobody waits for them; says how many, and where."""
