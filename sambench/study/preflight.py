"""Failing early: what can be told before a study's first run."""

import copy
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import variants
from sambench import measures, plugins, seeds
from sambench.analysis import listing
from sambench.config import BASELINE, Arm, Space, Study, Task, Train
from sambench.errors import UserError, echo, said
from sambench.tasks import Batch, Data, Trainer, constant, num_batches, select
from sambench.training import (
    Custom,
    Engine,
    Optimize,
    Run,
    base_optimizer,
    briefed,
    engine_for,
    first_step,
    perturbs,
    schedule,
)

PROBED = 200  # steps at which a schedule is looked at
LITTLE = 1e-4  # learning rate of steps that only try something


@dataclass(frozen=True)
class Checked:
    """What was found where nothing is wrong."""

    data: Data | None
    """None of a kind of task that trains itself"""
    steps_per_epoch: int
    chance: float | None
    """what a model scores that looks at no input; None where there is none"""
    notes: tuple[str, ...]
    """what a reader should know before believing a number"""


def preflight(
    study: Study,
    on: str,
    cache: Path,
    custom: Custom,
    arms: Sequence[Arm] | None = None,
    processes: int = 1,
) -> Checked:
    """Loads the data once, trains the model on two of its items, tries every variant's optimizer.

    What it finds that is no mistake is told on stderr.

    arms: other competitors than the study's; processes: that share every batch

    UserError for unknown datasets and models, for models that cannot be trained on these data in
    batches of these sizes, for schedules and optimizers that fail, and for variants that do not go
    with the base optimizer.
    """
    task = study.task
    competitors = study.arms() if arms is None else arms
    if task.trains_itself:
        return _preflight_itself(study, on, custom, competitors, processes)
    if custom.data is None:
        task.check_data()
    if custom.model is None:
        task.check_model()
    streams = seeds.derive(study.seed, "probe").streams
    dataset = custom.data or task.load(streams, cache)
    steps = num_batches(len(dataset.train), study.train.batch_size)
    _check_schedule(study.train, steps)
    if custom.data is None:
        _tell_notes(task)
    _check_measures(study, dataset)
    engine = probe(study, dataset, on, custom)
    name = "your own model" if custom.model else task.model
    chance = _chance(study, dataset)
    _check_model(study, engine, name)
    _check_batches(study, engine, name, processes)
    acts = partial(_acts, study, engine, copy.deepcopy(engine.model.state_dict()))
    notes = (*missing_classes(dataset), *_check_variants(study, competitors, acts))
    for note in notes:
        print(f"sambench: {note}", file=sys.stderr)
    return Checked(dataset, steps, chance, notes)


def _preflight_itself(
    study: Study, on: str, custom: Custom, arms: Sequence[Arm], processes: int
) -> Checked:
    """Of a kind of task that trains itself: trains the baseline up to its first step, and takes
    that with every variant."""
    task, kind = study.task, echo(study.task.kind)
    if custom.brought:
        raise UserError(f"{custom.brought[0]}=: a task of kind {kind} brings its own; leave it out")
    if processes > 1:
        raise UserError(f"gpus_per_run: a task of kind {kind} trains in one process; leave it at 1")
    task.check_data()
    task.check_model()
    _tell_notes(task)
    run = probed(study, on, study.train.epochs)
    made: list[Trainer] = []

    def train(optimizer: Optimize) -> None:
        def optimize(model: nn.Module, steps: int) -> variants.SharpnessAware:
            base = base_optimizer(study.train, model, run.lr)
            return optimizer(base, model, total_steps=steps, clip=study.train.clip)

        made.append(briefed.trainer(run, optimize))
        _check_schedule(study.train, made[0].steps_per_epoch)
        made[0].train_epoch(0)

    with blamed(f"task: {task.model} cannot be trained on {task.dataset}"):
        asked = first_step(train)
    try:
        found = _check_variants(study, arms, lambda arm: asked.perturbs(arm.key, arm.fix))
        notes = tuple(found)
    finally:
        made[0].close()
    for note in notes:
        print(f"sambench: {note}", file=sys.stderr)
    return Checked(None, made[0].steps_per_epoch, None, notes)


def _check_measures(study: Study, data: Data) -> None:
    """UserError for one that these data cannot have."""
    for name, one in measures.chosen(study.measure).items() if study.measure else ():
        if why := measures.unfit(one.needs, data):
            raise UserError(f"measure.names: {name} {why}; leave it out")


def _tell_notes(task: Task) -> None:
    for note in task.notes():
        print(f"sambench: {task.dataset}: {note}", file=sys.stderr)


def _chance(study: Study, data: Data) -> float:
    """UserError for a set that lacks what the objective needs."""
    task = study.task
    for name in ("val", "test"):
        y = getattr(data, name).y
        try:
            values = constant(data.target, y, task.judged)
        except UserError as error:
            raise UserError(f"{error} ({name})") from None
        row = {"epoch": 1.0, **{f"{name}_{score}": value for score, value in values.items()}}
        found = {**values, **task.of_run([row], name, study.train.epochs)}[task.objective]
        if not math.isfinite(found):
            why = data.target.gap(y.cpu())
            raise UserError(f"task.objective: {name} has no {task.objective}: {why}")
    return found


def missing_classes(data: Data) -> Iterator[str]:
    """A sentence for each set that lacks classes."""
    for name in ("train", "val", "test"):
        if gap := data.target.gap(getattr(data, name).y):
            yield f"{name}: {gap}."


def probe(study: Study, dataset: Data, on: str, custom: Custom) -> Engine:
    """The baseline's engine, for steps that only try or time something."""
    return engine_for(probed(study, on), dataset, custom)


def probed(study: Study, on: str, epochs: int = 1) -> Run:
    """A run of the baseline, that only tries or times something: at the smallest lr."""
    rates = study.search.rates
    lr = min(map(float, rates.extremes.values())) if isinstance(rates, Space) else rates
    streams = seeds.derive(study.seed, "probe")
    return Run(study, "probe", BASELINE, "trial", 0, 0, streams, lr, {}, epochs, device=on)


def _check_schedule(asked: Train, steps_per_epoch: int) -> None:
    """Builds the schedule and looks at it from the first step to the last."""
    total = steps_per_epoch * asked.epochs
    with blamed(f"train.schedule_args: {asked.schedule} with {asked.schedule_args} fails"):
        share = schedule(asked, total)
        found = [share(step) for step in range(0, total, math.ceil(total / PROBED))]
    for rate in found:
        if isinstance(rate, complex) or not 0 <= rate < math.inf:
            raise UserError(
                f"train.schedule_args: {asked.schedule} with {asked.schedule_args} gives a "
                f"learning rate of {rate:g} times the peak"
            )


def _check_model(study: Study, engine: Engine, name: str) -> None:
    """Evaluates the model on two items, and trains it by one step of the base optimizer."""
    x, y = _few(engine, 2)
    size, items = _size(x), f"{study.task.item}s"
    with blamed(f"task.model: {name} does not take {items} {size}"):
        engine.evaluate(engine.data.val.rows(torch.arange(min(2, len(engine.data.val)))))
    with blamed(f"task.model: {name} cannot be trained on {items} {size}"):
        engine.model.train()
        engine.losses(x, y).mean().backward()
    args = f" with {study.train.base_args}" if study.train.base_args else ""
    with blamed(f"train.base_args: {study.train.base}{args} fails"):
        engine.optimizer.base.step()
    engine.model.zero_grad()


def _check_batches(study: Study, engine: Engine, name: str, processes: int) -> None:
    """Refuses batches of one item for models that normalise over the batch."""
    asked, item = study.train, study.task.item
    batch = min(asked.batch_size, len(engine.data.train))
    share, rest = divmod(batch, processes)
    sizes = [share, share + 1] if rest else [share]
    micro = asked.micro_batch
    custom = {part for n in sizes for part in (_custom(n, micro) if micro else (n,))}
    if 1 not in custom:
        return
    try:
        engine.model.train()
        engine.losses(*_few(engine, 1)).mean().backward()
        engine.model.zero_grad()
    except Exception as error:
        where = {
            micro is not None: ("train.micro_batch", f"in parts of {micro}"),
            processes > 1: ("train.batch_size", f"by {processes} processes"),
        }.get(True, ("train.batch_size", "at once"))
        raise UserError(
            f"{where[0]}: {name} cannot be trained on a single {item} (BatchNorm needs two), which "
            f"is what is left of a batch of {batch} {where[1]}; choose another size"
        ) from error


def _custom(size: int, micro: int) -> list[int]:
    return [min(micro, size - start) for start in range(0, size, micro)]


def _size(x: Any) -> object:
    """Of an item of a batch's inputs."""
    if isinstance(x, dict):
        return {name: _size(value) for name, value in x.items()}
    return tuple(x.shape[1:])


def _few(engine: Engine, num: int) -> Batch:
    """So many training items, the same ones again where there are fewer."""
    rows = torch.arange(num) % len(engine.data.train)
    few = engine.data.train.rows(rows)
    return next(iter(engine.data.eval_batches(few, batch_size=num)))


def _check_variants(
    study: Study, arms: Sequence[Arm], acts: Callable[[Arm], bool | None]
) -> Iterator[str]:
    """Steps of each: rules are code of others, too. Who perturbs nothing is told."""
    of_rules = {(arm.key, repr(arm.fix)): arm for arm in reversed(arms)}
    for rule, arm in reversed(of_rules.items()):
        what = f"variants: {arm.label} cannot train {study.task.model}"
        with blamed(what), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # steps that do nothing: `acts` tells
            found = acts(arm)
        if found is False:
            labels = [own.label for own in arms if (own.key, repr(own.fix)) == rule]
            yield told_idle(labels, study.task.model, arm.passes)


def _acts(study: Study, engine: Engine, before: dict[str, Any], arm: Arm) -> bool | None:
    """Whether it perturbs anything in steps on two items, from the weights before."""
    x, y = _few(engine, 2)
    engine.model.load_state_dict(before)
    base = base_optimizer(study.train, engine.model, LITTLE)
    variant = variants.create(arm.key, **arm.fix)
    try:
        optimizer = variants.SharpnessAware(
            base, variant, engine.model, total_steps=engine.total_steps, ascent="alone"
        )
    except ValueError as error:
        raise UserError(f"variants: {error}") from None
    return perturbs(
        optimizer,
        lambda own: own.step(lambda rows: engine.losses(select(x, rows), y[rows]), size=len(y)),
    )


def told_idle(labels: list[str], model: str, passes: float) -> str:
    """Of variants that cost something and act on nothing."""
    verb = "perturb" if len(labels) > 1 else "perturbs"
    return (
        f"{listing(labels)} {verb} no weight of {model}: every step is {BASELINE}'s, at "
        f"{passes:.3g} gradient evaluations."
    )


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """Whatever fails inside, in code that is not ours, as one line that begins with `what`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        where = plugins.place(error)
        raise UserError(f"{what}: {f'{where}: ' if where else ''}{said(error)}") from error
