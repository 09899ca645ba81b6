"""What a worker does with one run: train it, leave its outcome in its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sambench import plugins
from sambench.executors.local import threads_each
from sambench.training import Custom, Outcome, Report, Run, train, train_own


@dataclass(frozen=True)
class Assignment:
    """A run with everything that says how, but not what, to train."""

    run: Run
    folder: Path
    cache: Path
    checkpoint_every_s: float
    custom: Custom
    data_digest: str | None = None
    """of the data that the study began with"""

    def __str__(self) -> str:
        return str(self.run)


def prepare(number: int, *, workers: int, device: str, own: Sequence[plugins.Plugin] = ()) -> None:
    """Gives worker `number` its share of the threads, one of several accelerators, and plug-ins."""
    plugins.load_modules(own)
    torch.set_num_threads(threads_each(workers))
    if device == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())


def execute(assignment: Assignment, report: Report) -> Outcome:
    """Trains the run, or goes on with it; a caller's own training begins anew."""
    if (own := assignment.custom.training) is not None:
        return train_own(assignment.run, assignment.folder, own)
    return train(
        assignment.run,
        assignment.folder,
        report,
        cache=assignment.cache,
        checkpoint_every_s=assignment.checkpoint_every_s,
        custom=assignment.custom,
        data_digest=assignment.data_digest,
    )
