"""Pictures that stay in their files: worker processes decode them batch by batch, ahead of use."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from filelock import FileLock
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sambench.errors import UserError
from sambench.files import replacing
from sambench.tasks.images.decode import decode, digest_of, mixed_sizes, quietly
from sambench.tasks.images.images import Rows, histogram
from sambench.tasks.images.listing import short

MEMORY_SHARE = 1 / 8
"""Of the machine's memory: datasets that are larger once decoded are streamed, see `is_large`.

An eighth, for each worker of a study holds a copy of what it trains on.
"""
AHEAD = 4  # batches that each worker decodes ahead
COUNT_BATCH = 256  # pictures
START = "spawn"  # not fork (threads, CUDA), not forkserver: a worker must see its owner die


Read = Tensor | str
"""pictures (b, 3, h, w) uint8, or what was wrong with one of them"""


def is_large(num_bytes: int) -> bool:
    return num_bytes > MEMORY_SHARE * psutil.virtual_memory().total


@dataclass(frozen=True)
class Files:
    """Pictures of one size. The decoder that workers get a copy of.

    paths, known: (n,) bytes of one length, which are smaller and faster to send than a list;
        `known` are the digests that the files must have
    image_size: None if the pictures have `side` already
    name: of the dataset, for messages
    """

    paths: np.ndarray
    known: np.ndarray
    image_size: int | None
    side: tuple[int, int]
    name: str

    @classmethod
    def listed(
        cls, paths: Sequence[str], image_size: int | None, name: str, known: np.ndarray
    ) -> "Files":
        """The first picture tells the size of all where none is asked for.

        Workers may stand in another folder: paths become absolute.
        """
        side = (image_size, image_size) if image_size else side_of(paths[0])
        absolute = np.array([os.fsencode(os.path.abspath(path)) for path in paths])
        return cls(absolute, known, image_size, side, name)

    def read(self, numbers: Sequence[int]) -> Tensor:
        """(b, 3, h, w) uint8."""
        x = np.empty((len(numbers), *self.side, 3), np.uint8)
        for i, number in enumerate(numbers):
            path = os.fsdecode(self.paths[number])
            with quietly():
                picture, found = decode(path, self.image_size)
            if found != self.known[number].decode():
                raise UserError(
                    f"task.dataset: the picture {short(path)} has changed while it was in use; "
                    "undo that, or start anew"
                )
            if picture.shape != x.shape[1:]:
                raise mixed_sizes(x.shape[1:], picture.shape, self.name)
            x[i] = picture
        return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def side_of(path: str) -> tuple[int, int]:
    """Height and width of a picture."""
    with quietly():
        height, width, _ = decode(path, None)[0].shape
    return height, width


def digests(paths: Sequence[str], key: str, cache: Path | None) -> np.ndarray:
    """(n,) bytes: the digest of each file. All are read, once for every `key`."""

    def read() -> np.ndarray:
        with ThreadPoolExecutor() as threads:
            return np.array(list(threads.map(digest_of, paths)), "S16")

    return read() if cache is None else _kept(cache / f"digests-{key[:16]}.npy", read)


def _kept(path: Path, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """`compute()`, or what an earlier process left of it in the file `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            buffer = io.BytesIO()
            np.save(buffer, compute())
            with replacing(path) as file:
                file.write(buffer.getbuffer())
    return np.load(path)


class Stream:
    """Reads `files` in any order, by worker processes if there is more than a batch to read.

    Workers start when they are first needed, stay from epoch to epoch, and end with `close` or
    with this process, however that ends.
    """

    def __init__(self, files: Files) -> None:
        self.files = files
        self._loader: DataLoader[Read] | None = None
        self._batches = _Batches()

    def read(self, batches: Sequence[Sequence[int]], device: torch.device) -> Iterator[Tensor]:
        """The pictures of each batch of numbers, (b, 3, h, w) uint8, on `device`."""
        if len(batches) == 1:  # not worth a process
            yield self.files.read(batches[0]).to(device)
            return
        if self._loader is None:
            self._loader = self._start(device)
        self._batches.numbers = batches
        found = (_checked(batch) for batch in self._loader)
        yield from _on_device(found, device) if device.type == "cuda" else found

    def _start(self, device: torch.device) -> "DataLoader[Read]":
        num = num_workers(device)
        return DataLoader(
            _Reading(self.files),
            batch_sampler=self._batches,  # pyright: ignore[reportArgumentType]
            num_workers=num,
            collate_fn=_as_they_are,
            pin_memory=device.type == "cuda",
            multiprocessing_context=START if num else None,
            prefetch_factor=AHEAD if num else None,
            persistent_workers=num > 0,
            generator=torch.Generator(),  # else it would draw from the run's own
        )

    def close(self) -> None:
        loader, self._loader = self._loader, None
        if loader is not None:
            end(loader)


def end(loader: DataLoader[Any]) -> None:
    """Ends its workers: torch does when the iterator goes, and a traceback may hold it for long."""
    if shut := getattr(loader._iterator, "_shutdown_workers", None):
        shut()


def num_workers(device: torch.device) -> int:
    """A process per thread of this run; on a CPU one is left for training, none on a single one."""
    threads = torch.get_num_threads()
    return threads if device.type == "cuda" else threads - 1


class _Batches:
    """What a loader reads next."""

    numbers: Sequence[Sequence[int]] = ()

    def __iter__(self) -> Iterator[Sequence[int]]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


class _Reading(Dataset[Read]):
    """The files as torch's loader wants them; errors of the user come as a line, not as a trace."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def __getitems__(self, numbers: Sequence[int]) -> Read:
        try:
            return self._files.read(numbers)
        except UserError as error:
            return str(error)


def _as_they_are(batch: object) -> object:
    return batch


def _checked(batch: Read) -> Tensor:
    if isinstance(batch, str):
        raise UserError(batch)
    return batch


def _on_device(batches: Iterator[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Copies each batch while the device computes on the one before."""
    side = torch.cuda.Stream(device)

    def fetch() -> Tensor | None:
        batch = next(batches, None)
        with torch.cuda.stream(side):
            return None if batch is None else batch.to(device, non_blocking=True)

    coming = fetch()
    while (batch := coming) is not None:
        main = torch.cuda.current_stream(device)
        main.wait_stream(side)
        batch.record_stream(main)
        coming = fetch()
        yield batch


@dataclass(frozen=True)
class Pictures:
    """A view of a stream: numbers of files, in an order, with their class numbers.

    key: tells the stream's files from others; under it their statistics are kept in `cache`
    """

    stream: Stream
    numbers: Tensor  # (n,) int64 on the host
    y: Tensor  # (n,) int64 or (n, labels) float32
    key: str
    cache: Path | None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), 3, *self.stream.files.side)

    def rows(self, index: Tensor) -> "Pictures":
        return replace(self, numbers=self.numbers[index.cpu()], y=self.y[index])

    def split(self, num: int) -> "tuple[Pictures, Pictures]":
        """The first `num`, and the others."""
        rows = torch.arange(len(self))
        return self.rows(rows[:num]), self.rows(rows[num:])

    def labelled(self, y: Tensor) -> "Pictures":
        return replace(self, y=y)

    def to(self, device: torch.device | str) -> "Pictures":
        """Labels go there; pictures will, batch by batch."""
        y = self.y.to(device)
        return replace(self, y=y, device=y.device)

    def read(self, batches: Sequence[Rows]) -> Iterator[Tensor]:
        host = (rows if isinstance(rows, slice) else rows.cpu() for rows in batches)
        return self.stream.read([self.numbers[rows].tolist() for rows in host], self.device)

    def histogram(self) -> Tensor:
        """Reads every picture, once for all runs that train on the same ones."""
        if self.cache is None:
            return self._count()
        chosen = self.key.encode() + self.numbers.sort().values.numpy().tobytes()
        path = self.cache / f"histogram-{hashlib.sha256(chosen).hexdigest()[:16]}.npy"
        return torch.from_numpy(_kept(path, lambda: self._count().numpy()))

    def _count(self) -> Tensor:
        stretches = [slice(i, i + COUNT_BATCH) for i in range(0, len(self), COUNT_BATCH)]
        host = replace(self, device=torch.device("cpu"))
        counts = torch.zeros(3, 256, dtype=torch.int64)
        try:
            for x in host.read(stretches):
                counts += histogram(x)
        finally:
            self.close()
        return counts

    def content(self) -> bytes:
        return self.key.encode() + self.numbers.numpy().tobytes() + self.y.cpu().numpy().tobytes()

    def close(self) -> None:
        self.stream.close()
