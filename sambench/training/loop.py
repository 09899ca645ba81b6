"""A run, trained to its outcome: what tuning and confirmation repeat."""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

import variants
from sambench.tasks import Data, Trainer, own_model
from sambench.training import briefed, checkpoint, device, memory, spent, weights
from sambench.training.custom import Custom
from sambench.training.engine import Engine
from sambench.training.outcome import PAUSED, Outcome, on_this_machine, write_outcome
from sambench.training.processes import World
from sambench.training.progress import Course, Progress, Report
from sambench.training.run import Run

Follow = Callable[[Run, Data, Path | None], Course | None]
"""Of a run, its data and their cache: what it tells after each epoch beside its scores."""


class Stopped(BaseException):
    """Raised by a signal handler: the run ends where it is, as pruned, for the reason given."""


def train(
    run: Run,
    folder: Path,
    report: Report,
    *,
    cache: Path | None = None,
    checkpoint_every_s: float = 10.0,
    until: float | None = None,
    at_once: int | None = None,
    custom: Custom = Custom(),
    world: World = World(),
    data_digest: str | None = None,
    follow: Follow = lambda *_: None,
) -> Outcome:
    """Trains `run`, going on from the checkpoint in `folder` if there is one.

    The outcome is also left in `folder`, as result.json. A non-finite loss and memory that ran
    out are outcomes, not errors; but in one of several processes memory ends them all (NoMemory).
    Where batches may be computed in parts, the run goes on with smaller ones, see `memory`.

    until: seconds since the epoch; at the end of the epoch in which they are over the run pauses
        at its checkpoint, and leaves no outcome
    at_once: items that a process has memory for, where it ran out before; None: all of a batch
    world: the processes that train it together; the first one reads and writes the folder, hears
        of epochs, and decides
    data_digest: what the study's data must have; UserError if they are others
    """
    spent.begin()
    device.keep_freed_memory()
    begun = partial(Progress, run, folder, report, checkpoint_every_s, until, world)
    start = _Start(run, cache, data_digest, custom, world, follow)
    progress, error = begun(at_once), ""
    try:
        while True:
            since = time.perf_counter()
            device.reset_peak_memory(run.device)
            outcome, traced = _attempt(progress, start)
            error = traced or error
            if outcome is not None:
                break
            fewer, remedy = _fewer(progress, error)  # no traceback holds the memory any more
            if not fewer:
                outcome = progress.stopped("failed", remedy)
                break
            progress = begun(fewer)
    finally:
        progress.close()
        start.close()
    if outcome.outcome == PAUSED:
        return outcome
    elapsed = time.perf_counter() - since + progress.wall_s
    outcome = replace(
        on_this_machine(outcome, run.device, elapsed, world.size, progress.how),
        reason="; ".join(filter(None, [outcome.reason, progress.in_parts])),
        data=data_digest or "",
        peak_memory=progress.peak_memory(),
        spent=spent.so_far(),
    )
    if world.leads:
        with spent.on("records"):
            write_outcome(run, folder, outcome, error)
            if outcome.outcome != "failed":
                checkpoint.remove(folder)
    return outcome


def engine_for(run: Run, dataset: Data, custom: Custom, world: World = World()) -> Engine:
    """The engine at the start of a run. Seeds torch's global generator with the run's `init`."""
    torch.manual_seed(run.seeds.init)
    task = run.study.task
    if custom.model is None:
        model = task.build(dataset)
    else:
        model = own_model(custom.model, dataset.sizes)
    model = model.to(run.device)
    if not world.leads:
        torch.manual_seed(run.seeds.init + world.rank)  # dropout draws for other rows
    return Engine(
        run.study.train,
        variants.create(run.key, **run.hyperparameters),
        model,
        dataset.to(run.device),
        lr=run.lr,
        epochs=run.epochs,
        seed=run.seeds.init,
        order_seed=run.seeds.order,
        loss=custom.loss,
        scores=task.judged,
        replay=task.replays,
        world=world,
    )


class _Start:
    """What every attempt at a run starts from: its data, which are loaded once, and a new engine.

    Its arguments are those of `train`.
    """

    def __init__(
        self,
        run: Run,
        cache: Path | None,
        data_digest: str | None,
        custom: Custom,
        world: World,
        follow: Follow,
    ) -> None:
        self.run = run
        self.cache = cache
        self.data_digest = data_digest
        self.custom = custom
        self.world = world
        self.follow = follow
        self._data = custom.data

    def engine(self) -> tuple[Trainer, Course | None]:
        """At the start of the run, and what else is told after each epoch."""
        run = self.run
        if run.study.task.trains_itself:
            with spent.on("model"):
                return briefed.begun(run, self.cache, self.data_digest, self.world), None
        if self._data is None:
            with spent.on("data"):
                self._data = run.study.task.load(run.seeds.streams, self.cache, self.data_digest)
        with spent.on("model"):
            engine = engine_for(run, self._data, self.custom, self.world)
        if self.custom.data is not None:
            return engine, None
        with spent.on("data"):
            return engine, self.follow(run, self._data, self.cache)

    def close(self) -> None:
        if self._data is not None:
            self._data.close()


def _attempt(progress: Progress, start: _Start) -> tuple[Outcome | None, str]:
    """The outcome; or none, and the traceback where memory ran out."""
    run = start.run
    try:
        outcome = progress.train(*start.engine())
        if outcome.outcome == "complete" and run.keeps_weights and start.world.leads:
            assert progress.engine is not None
            digest, brought = start.data_digest or "", start.custom.brought
            with spent.on("records"):
                weights.keep(run, progress.folder, progress.engine.evaluated, digest, brought)
        return outcome, ""
    except Stopped as stop:
        return progress.stopped("pruned", str(stop)), ""
    except (RuntimeError, MemoryError, OSError) as raised:
        if not device.is_out_of_memory(raised):
            raise
        return None, traceback.format_exc()


def _fewer(progress: Progress, error: str) -> tuple[int, str]:
    """Items at once with which a run can go on whose memory ran out; or 0, and what would help.

    NoMemory where it is one of several processes.
    """
    run, world = progress.run, progress.world
    engine, progress.engine = progress.engine, None
    fewer, remedy = memory.way_on(engine, run.study.task.item)
    if engine is not None:
        engine.close()
    if world.size > 1:
        raise memory.NoMemory(world.rank, fewer, remedy, error)
    del engine
    device.release_memory(run.device)
    return fewer, remedy
