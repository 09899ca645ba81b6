"""Where batches of a folder's pictures come from: our two ways, and torch's DataLoader."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import device as Device
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from sambench.bench.streaming import LOADER, MEMORY, STREAMED
from sambench.config import Train
from sambench.tasks import Batch
from sambench.tasks.images import ImageClassification, augment, streaming

STREAMS = {"split": 0, "labels": 0}


@dataclass(frozen=True)
class Job:
    """What all sources give batches of, and what trains on them."""

    task: ImageClassification
    root: Path
    train: Train
    device: Device
    threads: int
    cache: Path
    imports: tuple[Path, ...]
    classes: int
    paths: np.ndarray  # (n,) bytes, of the training set
    labels: np.ndarray  # (n,) int64
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def steps(self) -> int:
        """Full batches of an epoch."""
        return len(self.paths) // self.train.batch_size

    @property
    def workers(self) -> int:
        """Processes that read."""
        return streaming.num_workers(self.device)


class Source(NamedTuple):
    """Pictures of the training set, opened."""

    epoch: Callable[[], Iterable[Batch]]
    """the batches of the next epoch, on the device"""
    close: Callable[[], None]


def in_memory(job: Job) -> Source:
    """Ours, all pictures decoded beforehand."""
    return _ours(job, stream=False)


def streamed(job: Job) -> Source:
    """Ours, pictures staying in their files."""
    return _ours(job, stream=True)


def by_torch(job: Job) -> Source:
    """As a user of torchvision writes it, with as many workers as ours has."""
    num, device = job.workers, job.device
    loader: DataLoader[Batch] = DataLoader(
        _folder(job),
        job.train.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=num,
        pin_memory=device.type == "cuda",
        multiprocessing_context=streaming.START if num else None,
        prefetch_factor=streaming.AHEAD if num else None,
        persistent_workers=num > 0,
    )

    def epoch() -> Iterable[Batch]:
        return (
            (x.to(device, non_blocking=True), y.to(device, non_blocking=True)) for x, y in loader
        )

    return Source(epoch, lambda: streaming.end(loader))


SOURCES = {MEMORY: in_memory, STREAMED: streamed, LOADER: by_torch}


def _ours(job: Job, *, stream: bool) -> Source:
    task = job.task.model_copy(update={"stream": stream})
    data, numbers = task.load(STREAMS, job.cache).to(job.device), count()
    return Source(
        lambda: data.epoch_batches(job.train, seed=0, epoch=next(numbers)),
        data.close,
    )


def _folder(job: Job) -> ImageFolder:
    """With the training set that ours draws, its pictures scaled and padded as ours are."""
    size = job.task.image_size
    assert size is not None
    transform = transforms.Compose(
        [
            transforms.Resize((size, size)),
            transforms.RandomCrop(size, padding=max(1, size // augment.PAD_SHARE)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(job.mean, job.std),
        ]
    )
    folder = ImageFolder(job.root, transform, allow_empty=True)
    paths = map(os.fsdecode, job.paths)
    folder.samples = folder.imgs = list(zip(paths, job.labels.tolist(), strict=True))
    folder.targets = job.labels.tolist()
    return folder
