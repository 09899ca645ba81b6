"""What executors have in common: jobs in, results out, an answer to every epoch."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

J = TypeVar("J")
"""A job; messages call it by its `str`."""
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

EpochRow = dict[str, float]
"""What is known of an epoch."""

Execute = Callable[[J, Callable[[EpochRow], bool]], R]
"""(job, report) -> result; `report` takes an epoch's row and says whether to stop."""

OnEpoch = Callable[[J, EpochRow], bool]


class Executor(Protocol[J, R_co]):
    """Executes jobs, taken from the iterable one by one as there is room for them."""

    def run(self, jobs: Iterable[J], on_epoch: OnEpoch[J]) -> Iterator[tuple[J, R_co]]: ...


class RunFailed(Exception):
    """A run raised an error, or its worker process died every time it was tried."""
