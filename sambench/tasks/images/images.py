"""What the rest of the suite sees of a dataset: images and labels as plain tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from sambench.tasks.contents import Contents

Rows = Tensor | slice
"""int64 row numbers, or a stretch of rows"""


class Samples(Protocol):
    """Images with their class numbers, wherever they are kept."""

    @property
    def y(self) -> Tensor:
        """(n,) int64, or of several labels each (n, labels) float32, on `device`"""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, c, h, w)"""
        ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def rows(self, index: Tensor) -> Self:
        """The images at `index`, in its order."""
        ...

    def labelled(self, y: Tensor) -> Self:
        """The same images with other labels."""
        ...

    def to(self, device: torch.device | str) -> Self: ...

    def read(self, batches: Sequence[Rows]) -> Iterator[Tensor]:
        """The pixels of one batch of rows after the other, (b, c, h, w) uint8 on `device`."""
        ...

    def histogram(self) -> Tensor:
        """(c, 256) int64: how often each channel has each value."""
        ...

    def content(self) -> bytes:
        """What tells these images and labels from others."""
        ...

    def close(self) -> None:
        """Ends the processes that read, if any; they start again when they are needed."""
        ...


@dataclass(frozen=True)
class Images:
    """Images as stored, 0 to 255, with their class numbers; all of them in memory."""

    x: Tensor  # (n, c, h, w) uint8
    y: Tensor  # (n,) int64 or (n, labels) float32

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.x.shape)

    @property
    def device(self) -> torch.device:
        return self.x.device

    def rows(self, index: Tensor) -> "Images":
        """The images at `index`, in its order (a copy)."""
        return Images(self.x[index], self.y[index])

    def labelled(self, y: Tensor) -> "Images":
        return replace(self, y=y)

    def to(self, device: torch.device | str) -> "Images":
        return Images(self.x.to(device), self.y.to(device))

    def read(self, batches: Sequence[Rows]) -> Iterator[Tensor]:
        return (self.x[rows] for rows in batches)

    def histogram(self) -> Tensor:
        return histogram(self.x)

    def content(self) -> bytes:
        return self.x.cpu().numpy().tobytes() + self.y.cpu().numpy().tobytes()

    def close(self) -> None:
        """Nothing to end."""


@dataclass(frozen=True)
class Pool:
    """A dataset as published, before any split; `test` is None where no test set was published."""

    train: Samples
    test: Samples | None
    classes: tuple[str, ...]
    contents: Contents = field(default_factory=dict)
    """digests of all that was read"""


def histogram(x: Tensor) -> Tensor:
    """(c, 256) int64: how often each channel of `x` (n, c, h, w) has each value."""
    channels = x.unbind(1)
    return torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in channels])


def statistics(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of images / 255 per channel, each of shape (c,), float32.

    Taken from the exact histogram of their values, (c, 256), so neither the order of summation nor
    a float copy of the images enters. A constant channel gets the deviation of one grey level, so
    that it can be divided by.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum(1, keepdim=True, dtype=torch.float64)  # (c, 256)
    mean = share @ levels
    variance = (share * (levels - mean[:, None]) ** 2).sum(1)
    return mean.float(), variance.sqrt().clamp(min=1 / 255).float()
