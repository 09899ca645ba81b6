"""The whole benchmark: what races against what, and the record of it."""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

import variants
from sambench.bench import competitors, epochs, loops
from sambench.bench.competitors import Entry
from sambench.bench.race import Rhythm, race, with_memory
from sambench.bench.record import Bench, Timing
from sambench.bench.work import Work
from sambench.config import Split, Train
from sambench.errors import UserError, said
from sambench.tasks import images as datasets
from sambench.tasks.images import ImageClassification
from sambench.training import device as devices
from sambench.training import provenance
from variants.core.registry import name_of
from variants.sam import SAM

HEAT = 6  # variants that race at once beside the baseline: each keeps a model in memory
OUTSIDE_BATCH = 8  # images: the shorter the passes, the less noise in what is left
SAM_PASSES, RHO = 2, 0.05
CLASSES = 10


@dataclass(frozen=True)
class Pace:
    """How often to look at the clock: a GPU runs ahead of the host, so rarely there."""

    steps: Rhythm
    """five steps a round at least, LookSAM's default period"""
    epoch: int
    """steps of an epoch of the loops"""
    outside: int
    """rounds of the time outside passes, to one round of whole batches"""


PACES = {
    "cpu": Pace(Rhythm(turns=5, calls=1), epoch=10, outside=20),
    "cuda": Pace(Rhythm(turns=1, calls=20), epoch=40, outside=4),
}


@dataclass(frozen=True)
class Settings:
    """What to measure, and where."""

    model: str = "test_resnet"
    batch_size: int = 128
    image_size: int = 32
    variants: tuple[str, ...] = ()
    device: str = "auto"
    rounds: int = 10
    engine: Literal["eager", "graph"] = "eager"
    amp: str = "none"
    command: str = ""
    progress: Callable[[str], object] = lambda stage: None


def measure(settings: Settings) -> Bench:
    """Races variants, peers and loops. UserError for unknown names and for what cannot run."""
    device = devices.resolve(settings.device)
    devices.keep_freed_memory()  # as runs do
    if settings.engine == "graph" and torch.device(device).type != "cuda":
        raise UserError("--engine: graph needs a CUDA device; the nearest is eager")
    rules = {name: _variant(name) for name in settings.variants}
    host: dict[str, object] = {
        **provenance.hardware(),
        "threads": torch.get_num_threads(),
        "load before": provenance.load(),
    }
    pace = PACES[torch.device(device).type]
    work = _work(settings, device, pace.epoch)
    _try(work, settings, rules)
    heats, notes = _heats(rules)
    measured = tuple(_heat(heat, work, settings, pace, i) for i, heat in enumerate(heats))
    settings.progress("time outside forward and backward")
    small = work.small(OUTSIDE_BATCH)
    passes = competitors.bare_passes(SAM_PASSES, captured=settings.engine == "graph")
    outside = [enter(small) for enter in (passes, *heats[0][1:])]
    settings.progress("training loops")
    loop = [loops.bare_loop(work), loops.suite_loop(work)]
    training = ()
    if work.device.type == "cuda":
        settings.progress("epochs of training")
        named = {"plain": variants.create("plain"), name_of(SAM(rho=RHO)): SAM(rho=RHO)}
        training = epochs.measure(work, named)
    return Bench(
        model=settings.model,
        batch_size=settings.batch_size,
        image_size=settings.image_size,
        engine=settings.engine,
        amp=settings.amp,
        device=torch.device(device).type,
        hardware=devices.describe(device),
        parameter_bytes=sum(p.numel() * p.element_size() for p in work.model.parameters()),
        variants=measured,
        outside_batch=len(small.y),
        outside=race(
            outside,
            rounds=settings.rounds * pace.outside,
            rhythm=Rhythm(1, pace.steps.calls),
            device=work.device,
        ),
        loops=race(loop, rounds=settings.rounds, rhythm=Rhythm(1, 1), device=work.device),
        notes=notes,
        training=training,
        command=settings.command,
        commit=provenance.commit(),
        date=provenance.date(None),
        versions=_versions(),
        host=host,
    )


def _variant(name: str) -> variants.Variant:
    try:
        return variants.create(name)
    except ValueError as error:
        raise UserError(f"--variants: {error}") from None


def _work(settings: Settings, device: str, epoch: int) -> Work:
    """Synthetic images, enough for an epoch of the loops, and one batch of them ready to use."""
    split = Split(train=settings.batch_size * epoch, val=1, test=1)
    size = settings.image_size
    task = ImageClassification(
        dataset="synthetic", image_size=size, split=split, model=settings.model
    )
    data = datasets.load(task, {"split": 0, "labels": 0}).to(device)
    torch.manual_seed(0)
    try:
        model = task.build(data).to(device)
    except UserError as error:
        raise UserError(f"--model: {str(error).partition(': ')[2]}") from None
    x, y = next(iter(data.eval_batches(data.train, batch_size=settings.batch_size)))
    train = Train(
        epochs=loops.EPOCHS,
        batch_size=settings.batch_size,
        engine=settings.engine,
        channels_last=False,  # as in the loops beside it
    )
    return Work(model, x, y, data, train, settings.amp)


def _try(work: Work, settings: Settings, rules: dict[str, variants.Variant]) -> None:
    """One step of each variant, so that nothing breaks in the middle of the race."""
    size = (settings.image_size,) * 2
    try:
        competitors.bare_passes(1)(work).run()
    except Exception as error:
        raise UserError(
            f"--model: {settings.model} does not train on {settings.batch_size} images of {size}: "
            f"{said(error)}"
        ) from error
    for name, rule in rules.items():
        try:
            competitors.variant(rule, name)(work.small(OUTSIDE_BATCH))
        except ValueError as error:
            raise UserError(f"--variants: {error}") from None


def _heats(
    rules: dict[str, variants.Variant],
) -> tuple[list[list[Entry]], tuple[str, ...]]:
    """SAM beside its peers, then the other variants a few at a time; the baseline in each heat."""
    sam = SAM(rho=RHO)
    baseline = competitors.variant(variants.create("plain"), "plain")
    peer = competitors.peer(RHO)
    notes = () if peer else (f"left out: {competitors.PEER} (pip install 'sambench[bench]')",)
    first = [baseline, competitors.variant(sam, name_of(sam)), *([peer] if peer else [])]
    first.append(competitors.two_passes(RHO))
    own = {"plain", name_of(sam)}
    others = [competitors.variant(rule, name) for name, rule in rules.items() if name not in own]
    heats = [[baseline, *others[i : i + HEAT]] for i in range(0, len(others), HEAT)]
    return [first, *heats], notes


def _heat(
    entries: Sequence[Entry], work: Work, settings: Settings, pace: Pace, number: int
) -> tuple[Timing, ...]:
    settings.progress(f"heat {number + 1}: {len(entries)} competitors")
    timings = race(  # nothing of it is in memory when that is measured
        [enter(work) for enter in entries],
        rounds=settings.rounds,
        rhythm=pace.steps,
        device=work.device,
    )
    return tuple(with_memory(t, e, work) for t, e in zip(timings, entries, strict=True))


def _versions() -> dict[str, str]:
    found = {k: v for k, v in provenance.versions().items() if k in ("python", "torch", "timm")}
    try:
        return found | {competitors.PEER: importlib.metadata.version(competitors.PEER)}
    except importlib.metadata.PackageNotFoundError:
        return found
