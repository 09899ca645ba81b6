"""Times epochs on the pictures of a folder, from each source in turns."""

import importlib.metadata
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from PIL import Image

from sambench.bench import held
from sambench.bench.competitors import Competitor
from sambench.bench.race import Rhythm, race
from sambench.bench.record import Timing
from sambench.bench.sources import SOURCES, STREAMS, Job, Source
from sambench.bench.streaming import Fed, Streaming
from sambench.bench.trainee import Trainee
from sambench.config import Train
from sambench.errors import UserError
from sambench.tasks import images as datasets
from sambench.tasks.images import ImageClassification, streaming
from sambench.training import device as devices
from sambench.training import provenance

AUGMENT = "crop-flip"
EPOCH = Rhythm(turns=1, calls=1)
PACKAGES = ("python", "torch", "torchvision", "timm")


@dataclass(frozen=True)
class Feeding:
    """What to time, and where."""

    folder: Path
    cache: Path
    model: str = "test_resnet"
    batch_size: int = 128
    image_size: int = 32
    rounds: int = 10
    on: str = "auto"
    imports: tuple[Path, ...] = ()
    command: tuple[str, ...] = ()
    """words of the command line, after `bench`"""
    progress: Callable[[str], object] = lambda stage: None


def feed(asked: Feeding) -> Streaming:
    """Races the sources, then measures the memory of each. UserError for what cannot be read."""
    device = devices.resolve(asked.on)
    devices.keep_freed_memory()  # as runs do
    host = {**provenance.hardware(), "load before": provenance.load()}
    asked.progress("the folder")
    job = job_of(asked, device)
    training, reading = _race(job, asked)
    memory = []
    for name in SOURCES:
        asked.progress(f"memory, {name}")
        memory.append(held.apart(job, name))
    width, height, file_bytes = _medians(job)
    return Streaming(
        pictures=len(job.paths),
        width=width,
        height=height,
        file_bytes=file_bytes,
        images=job.steps * asked.batch_size,
        image_size=asked.image_size,
        model=asked.model,
        batch_size=asked.batch_size,
        augment=AUGMENT,
        device=job.device.type,
        threads=job.threads,
        workers=job.workers,
        sources=tuple(
            Fed(own.name, _epochs(own, job), _epochs(alone, job), held_bytes)
            for own, alone, held_bytes in zip(training, reading, memory, strict=True)
        ),
        hardware=devices.describe(device),
        command=shlex.join(["python", "-m", "sambench", "bench", *asked.command]),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions=_versions(),
        host={**host, "load after": provenance.load()},
    )


def job_of(asked: Feeding, device: str) -> Job:
    """The training set that a study draws from the folder. UserError if there is less than a batch.

    Whatever is kept of it under `asked.cache` is there afterwards.
    """
    task = ImageClassification(
        dataset=f"folder:{asked.folder}",
        image_size=asked.image_size,
        model=asked.model,
        stream=True,
    )
    try:
        data = datasets.load(task, STREAMS, asked.cache)
    except UserError as error:
        raise UserError(f"--folder: {str(error).partition(': ')[2]}") from None
    pictures = data.train
    assert isinstance(pictures, streaming.Pictures)
    if len(pictures) < asked.batch_size:
        raise UserError(
            f"--folder: {asked.folder} has {len(pictures)} pictures to train on, less than a "
            f"batch; choose a smaller --batch-size than {asked.batch_size}"
        )
    return Job(
        task=task,
        root=asked.folder.expanduser(),
        train=Train(epochs=1, batch_size=asked.batch_size, augment=AUGMENT),
        device=torch.device(device),
        threads=torch.get_num_threads(),
        cache=asked.cache,
        imports=asked.imports,
        classes=len(data.classes),
        paths=pictures.stream.files.paths[pictures.numbers.numpy()],
        labels=pictures.y.numpy(),
        mean=tuple(data.mean.tolist()),
        std=tuple(data.std.tolist()),
    )


def _race(job: Job, asked: Feeding) -> tuple[tuple[Timing, ...], tuple[Timing, ...]]:
    """Epochs of training, and of reading alone."""
    opened: dict[str, Source] = {}
    trainees = [Trainee(job) for _ in SOURCES]
    try:
        for name, source in SOURCES.items():
            asked.progress(f"opening, {name}")
            opened[name] = source(job)
        training = [
            _training(name, source, trainee, job)
            for (name, source), trainee in zip(opened.items(), trainees, strict=True)
        ]
        reading = [_reading(name, source, job) for name, source in opened.items()]
        asked.progress("epochs of training")
        trained = race(training, rounds=asked.rounds, rhythm=EPOCH, device=job.device)
        asked.progress("reading alone")
        return trained, race(reading, rounds=asked.rounds, rhythm=EPOCH, device=job.device)
    finally:
        for source in opened.values():
            source.close()


def _training(name: str, source: Source, trainee: Trainee, job: Job) -> Competitor:
    return Competitor(name, lambda: trainee.learn(source.epoch()), lambda: trainee.steps, job.steps)


def _reading(name: str, source: Source, job: Job) -> Competitor:
    def run() -> None:
        for _ in source.epoch():
            pass

    return Competitor(name, run, lambda: 0.0, job.steps)


def _epochs(timing: Timing, job: Job) -> tuple[float, ...]:
    return tuple(round(seconds * job.steps, 6) for seconds in timing.seconds)


def _medians(job: Job) -> tuple[int, int, int]:
    """Of width, height and bytes of the files."""
    paths = [os.fsdecode(path) for path in job.paths]
    sides = []
    for path in paths:
        with Image.open(path) as picture:
            sides.append(picture.size)
    widths, heights = zip(*sides, strict=True)
    of_files = (os.stat(path).st_size for path in paths)
    return round(median(widths)), round(median(heights)), round(median(of_files))


def _versions() -> dict[str, str]:
    found = {k: v for k, v in provenance.versions().items() if k in PACKAGES}
    return found | {"pillow": importlib.metadata.version("pillow")}
