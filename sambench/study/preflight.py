"""Failing early: what can be told before a study's first run."""

import copy
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import variants
from sambench import plugins, seeds
from sambench.analysis import listing
from sambench.config import BASELINE, Arm, Space, Study, Train
from sambench.errors import UserError, said
from sambench.tasks import images as datasets
from sambench.tasks import num_batches, select
from sambench.tasks.images import Data, models
from sambench.training import (
    Custom,
    Engine,
    Run,
    base_optimizer,
    engine_for,
    perturbs,
    schedule,
)

PROBED = 200  # steps at which a schedule is looked at
LITTLE = 1e-4  # learning rate of steps that only try something
LISTED = 5  # classes by name


@dataclass(frozen=True)
class Checked:
    """What was found where nothing is wrong."""

    data: Data
    chance: float
    """share of the test set that its most frequent class has"""
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
    """Loads the data once, trains the model on two of its images, tries every variant's optimizer.

    What it finds that is no mistake is told on stderr.

    arms: other competitors than the study's; processes: that share every batch

    UserError for unknown datasets and models, for models that cannot be trained on these images in
    batches of these sizes, for schedules and optimizers that fail, and for variants that do not go
    with the base optimizer.
    """
    if custom.data is None:
        datasets.check(study.task)
    if custom.model is None:
        models.check(study.task)
    streams = seeds.derive(study.seed, "probe").streams
    dataset = custom.data or datasets.load(study.task, streams, cache)
    _check_schedule(study.train, num_batches(len(dataset.train), study.train.batch_size))
    if custom.data is None:
        for note in datasets.notes(study.task):
            print(f"sambench: {study.task.dataset}: {note}", file=sys.stderr)
    engine = probe(study, dataset, on, custom)
    name = "your own model" if custom.model else study.task.model
    _check_model(study, engine, name)
    _check_batches(study.train, engine, name, processes)
    competitors = study.arms() if arms is None else arms
    notes = (*missing_classes(dataset), *_check_variants(study, engine, competitors))
    for note in notes:
        print(f"sambench: {note}", file=sys.stderr)
    counts = torch.bincount(dataset.test.y)
    return Checked(dataset, int(counts.max()) / int(counts.sum()), notes)


def missing_classes(data: Data) -> Iterator[str]:
    """A sentence for each set that lacks classes."""
    for name in ("train", "val", "test"):
        counts = torch.bincount(getattr(data, name).y.cpu(), minlength=len(data.classes))
        missing = [label for label, num in zip(data.classes, counts, strict=True) if not num]
        if missing:
            more = ", ..." if len(missing) > LISTED else ""
            yield (
                f"{name}: {len(missing)} of {len(data.classes)} classes have no image there: "
                f"{', '.join(missing[:LISTED])}{more}."
            )


def probe(study: Study, dataset: Data, on: str, custom: Custom) -> Engine:
    """The baseline's engine, for steps that only try or time something: at the smallest lr."""
    rates = study.search.rates
    lr = min(map(float, rates.extremes.values())) if isinstance(rates, Space) else rates
    streams = seeds.derive(study.seed, "probe")
    tried = Run(study, "probe", BASELINE, "trial", 0, 0, streams, lr, {}, 1, device=on)
    return engine_for(tried, dataset, custom)


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
    """Evaluates the model on two images, and trains it by one step of the base optimizer."""
    x, y = _images(engine, 2)
    size = tuple(x.shape[1:])
    with blamed(f"task.model: {name} does not take images {size}"):
        engine.evaluate(engine.data.val.rows(torch.arange(min(2, len(engine.data.val)))))
    with blamed(f"task.model: {name} cannot be trained on images {size}"):
        engine.model.train()
        engine.losses(x, y).mean().backward()
    args = f" with {study.train.base_args}" if study.train.base_args else ""
    with blamed(f"train.base_args: {study.train.base}{args} fails"):
        engine.optimizer.base.step()
    engine.model.zero_grad()


def _check_batches(asked: Train, engine: Engine, name: str, processes: int) -> None:
    """Refuses batches of one image for models that normalise over the batch."""
    batch = min(asked.batch_size, len(engine.data.train))
    share, rest = divmod(batch, processes)
    sizes = [share, share + 1] if rest else [share]
    micro = asked.micro_batch
    custom = {part for n in sizes for part in (_custom(n, micro) if micro else (n,))}
    if 1 not in custom:
        return
    try:
        engine.model.train()
        engine.losses(*_images(engine, 1)).mean().backward()
        engine.model.zero_grad()
    except Exception as error:
        where = {
            micro is not None: ("train.micro_batch", f"in parts of {micro}"),
            processes > 1: ("train.batch_size", f"by {processes} processes"),
        }.get(True, ("train.batch_size", "at once"))
        raise UserError(
            f"{where[0]}: {name} cannot be trained on a single image (BatchNorm needs two), which "
            f"is what is left of a batch of {batch} {where[1]}; choose another size"
        ) from error


def _custom(size: int, micro: int) -> list[int]:
    return [min(micro, size - start) for start in range(0, size, micro)]


def _images(engine: Engine, num: int) -> tuple[Tensor, Tensor]:
    """So many training images, the same ones again where there are fewer."""
    rows = torch.arange(num) % len(engine.data.train)
    few = engine.data.train.rows(rows)
    return next(iter(engine.data.eval_batches(few, batch_size=num)))


def _check_variants(study: Study, engine: Engine, arms: Sequence[Arm]) -> Iterator[str]:
    """Steps of each on two images: rules are code of others, too. Who perturbs nothing is told."""
    x, y = _images(engine, 2)
    of_rules = {(arm.key, repr(arm.fix)): arm for arm in reversed(arms)}
    before = copy.deepcopy(engine.model.state_dict())
    for rule, arm in reversed(of_rules.items()):
        engine.model.load_state_dict(before)
        base = base_optimizer(study.train, engine.model, LITTLE)
        variant = variants.create(arm.key, **arm.fix)
        try:
            steps = engine.total_steps
            optimizer = variants.SharpnessAware(
                base, variant, engine.model, total_steps=steps, ascent="alone"
            )
        except ValueError as error:
            raise UserError(f"variants: {error}") from None
        what = f"variants: {arm.label} cannot train {study.task.model}"
        with blamed(what), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # steps that do nothing: `acts` tells
            acts = perturbs(
                optimizer,
                lambda own: own.step(
                    lambda rows: engine.losses(select(x, rows), y[rows]), size=len(y)
                ),
            )
        if acts is False:
            labels = [own.label for own in arms if (own.key, repr(own.fix)) == rule]
            yield told_idle(labels, study.task.model, arm.passes)


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
