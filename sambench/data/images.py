"""What the rest of the suite sees of a dataset: images and labels as plain tensors."""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Images:
    """Images as stored, 0 to 255, with their class numbers."""

    x: Tensor  # (n, c, h, w) uint8
    y: Tensor  # (n,) int64

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, index: Tensor) -> "Images":
        """The images at `index`, in its order (a copy)."""
        return Images(self.x[index], self.y[index])

    def to(self, device: torch.device | str) -> "Images":
        return Images(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Pool:
    """A dataset as published, before any split; `test` is None where no test set was published."""

    train: Images
    test: Images | None
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """What one run sees: three disjoint sets, and the statistics of `train.x / 255` per channel."""

    train: Images
    val: Images
    test: Images
    classes: tuple[str, ...]
    mean: Tensor  # (c,) float32
    std: Tensor  # (c,) float32

    def to(self, device: torch.device | str) -> "Data":
        """The same data on `device`."""
        parts = (self.train, self.val, self.test)
        train, val, test = (part.to(device) for part in parts)
        return Data(train, val, test, self.classes, self.mean.to(device), self.std.to(device))

    def digest(self) -> str:
        """16 hex digits that tell this data from other data."""
        sha = hashlib.sha256()
        for part in (self.train, self.val, self.test):
            sha.update(part.x.cpu().numpy().tobytes() + part.y.cpu().numpy().tobytes())
        return sha.hexdigest()[:16]


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of `x / 255` per channel, each of shape (c,), float32.

    Taken from the exact histogram of x, so neither the order of summation nor a float copy of x
    enters. A constant channel gets the deviation of one grey level, so that it can be divided by.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack(
        [torch.bincount(channel.flatten(), minlength=256) for channel in x.unbind(1)]
    )
    share = counts / counts.sum(1, keepdim=True, dtype=torch.float64)  # (c, 256)
    mean = share @ levels
    variance = (share * (levels - mean[:, None]) ** 2).sum(1)
    return mean.float(), variance.sqrt().clamp(min=1 / 255).float()
