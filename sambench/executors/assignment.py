"""What a worker does with one run: train it, leave its outcome in its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sambench import plugins
from sambench.training import Custom, Outcome, Report, Run, train, train_own, write_outcome


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

    def moved(self, folder: Path, cache: Path) -> "Assignment":
        return replace(self, folder=folder, cache=cache)


def prepare(device: int, threads: int, *, shared: bool, own: Sequence[plugins.Plugin] = ()) -> None:
    """Gives a worker its threads, the caller's plug-ins, and its own of several accelerators.

    shared: whether runs take any accelerator; else they name theirs
    """
    plugins.load_modules(own)
    torch.set_num_threads(threads)
    if shared:
        torch.cuda.set_device(device % torch.cuda.device_count())


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


def lost(assignment: Assignment, reason: str) -> Outcome:
    """What comes of a run whose workers keep dying."""
    outcome = Outcome("failed", reason)
    write_outcome(assignment.run, assignment.folder, outcome)
    return outcome
