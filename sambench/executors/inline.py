"""One run after the other, in this process."""

from collections.abc import Iterable, Iterator
from typing import Generic

from sambench.executors.executor import Execute, J, OnEpoch, R


class Inline(Generic[J, R]):
    def __init__(self, execute: Execute[J, R]) -> None:
        self._execute = execute

    def run(self, jobs: Iterable[J], on_epoch: OnEpoch[J]) -> Iterator[tuple[J, R]]:
        for job in jobs:
            yield job, self._execute(job, lambda row, job=job: on_epoch(job, row))
