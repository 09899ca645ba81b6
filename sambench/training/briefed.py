"""Runs of a kind of task that brings a trainer of its own: what they ask of it."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

import variants
from sambench.errors import UserError, echo
from sambench.tasks import Brief, OptimizerOf, Trainer, digest
from sambench.training.optimizers import base_optimizer, schedule
from sambench.training.processes import World
from sambench.training.run import Run


def begun(run: Run, cache: Path | None, data_digest: str | None, world: World) -> Trainer:
    """The trainer at the start of a run.

    UserError for several processes, and where the dataset is not what the study began with.
    """
    task = run.study.task
    if world.size > 1:
        raise UserError(f"a task of kind {echo(task.kind)} trains in one process, got {world.size}")
    if data_digest not in (None, digest(task.contents(cache))):
        raise UserError(f"task.dataset: {task.dataset} has changed since the study began")
    return trainer(run, lambda model, steps: optimizer(run, model, steps))


def trainer(run: Run, optimize: OptimizerOf) -> Trainer:
    """As `begun`, with what steps its model."""
    study = run.study

    def rate(steps: int) -> Callable[[int], float]:
        share = schedule(study.train, steps)
        return lambda step: run.lr * share(step)

    streams = run.seeds.streams
    return study.task.trainer(Brief(study.train, run.epochs, streams, run.device, optimize, rate))


def optimizer(run: Run, model: nn.Module, steps: int) -> variants.SharpnessAware:
    """The run's variant around the study's base optimizer."""
    return variants.SharpnessAware(
        base_optimizer(run.study.train, model, run.lr),
        variants.create(run.key, **run.hyperparameters),
        model,
        seed=run.seeds.init,
        total_steps=steps,
        clip=run.study.train.clip,
        ascent="alone",
    )
