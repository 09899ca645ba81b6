"""One run after the other, in this process."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Generic

from pydantic import model_validator

from sambench.config import Broken
from sambench.executors.executor import Execute, Executor, J, OnEpoch, OnPlace, R, Work, untold
from sambench.executors.registry import register


@register("inline")
class Inline(Executor):
    """One run after the other, in the process of the study itself."""

    @model_validator(mode="after")
    def _one(self) -> "Inline":
        if (self.workers or 1) > 1:
            raise Broken(f"inline has one, got {self.workers}; write executor = 'local'", "workers")
        return self

    def opened(self, work: Work[J, R]) -> AbstractContextManager["_Here[J, R]"]:
        return nullcontext(_Here(work.execute))


class _Here(Generic[J, R]):
    def __init__(self, execute: Execute[J, R]) -> None:
        self._execute = execute

    def run(
        self, jobs: Iterable[J], on_epoch: OnEpoch[J], on_place: OnPlace[J] = untold
    ) -> Iterator[tuple[J, R]]:
        for job in jobs:
            yield job, self._execute(job, lambda row, job=job: on_epoch(job, row))
