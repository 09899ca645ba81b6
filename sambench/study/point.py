"""A run of a study's own pool, trained by another process than the study's: an agent's, a hand's.

It leaves its result where the study looks for it, which need not train it any more.
"""

from pathlib import Path

from sambench import executors
from sambench.errors import UserError, nearest
from sambench.executors import Assignment
from sambench.study import pool
from sambench.study.folder import StudyFolder
from sambench.study.preflight import preflight
from sambench.study.protocol import Protocol
from sambench.tasks import digest
from sambench.training import Custom, Outcome, Report, Run, device, finished_outcome


def plan(folder: StudyFolder, variant: str, point: int, on: str = "auto") -> Run:
    """The run of a point; UserError if the study lacks the arm, or its pool the point."""
    folder.check()
    study, arms = folder.study, folder.arms
    if variant not in arms:
        raise UserError(f"--variant: {study.name} has no {variant!r}, {nearest(variant, arms)}")
    protocol = Protocol(study, arms, device.resolve(on))
    if not protocol.ranks:
        raise UserError(f"--point: {study.name} has no pool of random points; give --lr")
    num = protocol.size(arms[variant])
    if not 0 <= point < num:
        raise UserError(f"--point: the pool of {variant} has points 0 to {num - 1}, got {point}")
    return protocol.pool_run(arms[variant], point, pool.parameters(study, arms[variant], point))


def execute(
    folder: StudyFolder,
    run: Run,
    cache: Path,
    report: Report = lambda row: False,
    checkpoint_every_s: float = 10.0,
) -> Outcome:
    """Trains it, or goes on with it; what is there already if it is over. What goes wrong in it is
    its outcome, "failed".

    UserError if the study's runs depend on something else, or were trained on other data.
    """
    where = folder.run(run)
    known = finished_outcome(run, where)
    if known is not None and known.outcome != "failed":  # by the machine: it is repeated
        return known
    preflight(run.study, run.device, cache, Custom(), [folder.arms[run.label]])
    folder.begin()
    contents = run.study.task.contents(cache)
    folder.check_data(contents)
    job = Assignment(run, where, cache, checkpoint_every_s, Custom(), digest(contents))
    return executors.execute(job, report)
