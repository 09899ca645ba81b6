"""What a worker does with one run: train it, leave its outcome in its folder."""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sambench import measures, plugins
from sambench.errors import WorkFailed, concerns_all, kind_and_words
from sambench.executors.replicas import ReplicasFailed, train_together
from sambench.training import (
    PAUSED,
    Custom,
    Damaged,
    Outcome,
    Report,
    Run,
    World,
    device,
    on_this_machine,
    read_outcome,
    spent,
    train,
    train_own,
    write_outcome,
)

_in_worker = False
"""whether an executor replaces this process when it dies"""


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
    until: float | None = None
    """seconds since the epoch, from which on it pauses"""
    processes: int = 1
    """that train it together on this machine, each on a GPU of its own where the device is cuda"""

    def __str__(self) -> str:
        return str(self.run)

    def moved(self, folder: Path, cache: Path) -> "Assignment":
        return replace(self, folder=folder, cache=cache)


def prepare(device: int, threads: int, *, shared: bool, own: Sequence[plugins.Plugin] = ()) -> None:
    """Gives a worker its threads, the caller's plug-ins, and its own of several accelerators.

    shared: whether runs take any accelerator; else they name theirs
    """
    global _in_worker
    _in_worker = True
    plugins.load_modules(own)
    torch.set_num_threads(threads)
    if shared:
        torch.cuda.set_device(device % torch.cuda.device_count())


def execute(assignment: Assignment, report: Report) -> Outcome:
    """Trains the run, or goes on with it; a caller's own training begins anew.

    What goes wrong in it is its outcome, "failed", with the traceback in error.txt. Raised is what
    concerns all runs: UserError, WorkFailed, an OSError of the machine, whatever `report` raises.
    """
    if assignment.until is not None and time.time() >= assignment.until:
        return late(assignment)
    if (known := _ended(assignment)) is not None:
        return known
    _check_device(assignment.run.device)
    start, heard = time.perf_counter(), _Heard(report)
    spent.begin()
    try:
        if assignment.processes > 1:
            outcome = train_together(assignment, heard)
        else:
            outcome = trained(assignment, heard)
        with spent.on("measures"):
            _measure(assignment, outcome)
        return replace(outcome, spent=_spent(assignment, outcome))
    except (Exception, SystemExit) as error:
        if heard.raised or concerns_all(error):
            raise
        if isinstance(error, ReplicasFailed):
            reason, trace = error.reason, error.trace
        else:
            reason, trace = kind_and_words(error), traceback.format_exc()
    outcome = Outcome("failed", reason, epochs_done=heard.epochs)
    wall_s = time.perf_counter() - start
    here = on_this_machine(outcome, assignment.run.device, wall_s, assignment.processes)
    return _left(assignment, replace(here, spent=spent.so_far()), trace)


def _spent(assignment: Assignment, outcome: Outcome) -> dict[str, float]:
    """With what came after the run; of several processes, the first one knows most."""
    own = spent.so_far()
    return {**own, **outcome.spent} if assignment.processes > 1 else own


def _measure(assignment: Assignment, outcome: Outcome) -> None:
    """What the study asks of a run's weights; nothing that fails there costs the run its scores."""
    run = assignment.run
    asked = run.study.measure
    if asked is None or outcome.outcome != "complete" or not run.sees_test:
        return
    try:
        measures.after(run, assignment.folder, asked, assignment.cache, assignment.custom)
    except (Exception, SystemExit) as error:
        print(f"sambench: {run}: not measured: {kind_and_words(error)}", file=sys.stderr)


def _ended(assignment: Assignment) -> Outcome | None:
    """What a worker that was thought to be dead has come to meanwhile."""
    try:
        known = read_outcome(assignment.run, assignment.folder)
    except Damaged:
        return None
    return None if known is None or known.outcome == "failed" else known


class _Heard:
    """`report`, watched: what it raises is none of the run's errors."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.epochs = 0
        self.raised = False

    def __call__(self, row: dict[str, float]) -> bool:
        self.epochs = int(row["epoch"])
        try:
            return self._report(row)
        except Exception:
            self.raised = True
            raise


def _check_device(name: str) -> None:
    """A failed kernel leaves a process without its GPU: another one takes the job up."""
    if device.is_usable(name):
        return
    if _in_worker:
        os._exit(1)
    raise WorkFailed("the GPU failed in this process; the same command goes on in another one")


def trained(
    assignment: Assignment,
    report: Report,
    world: World = World(),
    at_once: int | None = None,
) -> Outcome:
    """The run's outcome, by this process or as one of several; whatever goes wrong is raised.

    at_once: see `train`
    """
    if (own := assignment.custom.training) is not None:
        return train_own(assignment.run, assignment.folder, own)
    return train(
        assignment.run,
        assignment.folder,
        report,
        cache=assignment.cache,
        checkpoint_every_s=assignment.checkpoint_every_s,
        until=assignment.until,
        at_once=at_once,
        custom=assignment.custom,
        world=world,
        data_digest=assignment.data_digest,
        follow=measures.course,
    )


def lost(assignment: Assignment, reason: str) -> Outcome:
    """The outcome of a run whose workers died too often, left by an executor that saw them die."""
    return _left(assignment, Outcome("failed", reason))


def late(assignment: Assignment) -> Outcome:
    """The outcome, for now, of a run for which there was no time; it is not kept."""
    return Outcome(PAUSED, "time was up before it began")


def _left(assignment: Assignment, outcome: Outcome, error: str = "") -> Outcome:
    outcome = replace(outcome, data=assignment.data_digest or "")
    write_outcome(assignment.run, assignment.folder, outcome, error)
    return outcome
