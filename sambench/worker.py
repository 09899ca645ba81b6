"""What a worker does with one run: track it, train it, leave its outcome in its folder."""

from dataclasses import dataclass
from pathlib import Path

import torch

from sambench import tracking, train
from sambench.train import Outcome, Parts, Report, Run
from sambench.workers import threads_each


@dataclass(frozen=True)
class Assignment:
    """A run with everything that says how, but not what, to train."""

    run: Run
    folder: Path
    cache: Path
    wandb_folder: Path
    wandb_mode: tracking.Mode
    checkpoint_every_s: float
    parts: Parts


def prepare(number: int, *, workers: int, device: str) -> None:
    """Gives worker `number` its share of the threads, and one of several accelerators."""
    torch.set_num_threads(threads_each(workers))
    if device == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())


def execute(assignment: Assignment, report: Report) -> Outcome:
    """Trains the run, or goes on with it."""
    run = assignment.run
    tracked = tracking.start(run, assignment.wandb_folder, assignment.wandb_mode)

    def tell(row: dict[str, float]) -> bool:
        tracked.log(row)
        return report(row)

    outcome = train.run(
        run,
        assignment.folder,
        tell,
        cache=assignment.cache,
        checkpoint_every_s=assignment.checkpoint_every_s,
        parts=assignment.parts,
    )
    tracked.finish(outcome)
    return outcome
