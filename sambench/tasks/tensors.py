"""Data that are tensors in memory, trained on as they are: nothing is scaled, nothing augmented."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from sambench.config import Train
from sambench.errors import UserError
from sambench.tasks.data import Batch, num_batches
from sambench.tasks.shard import Shard
from sambench.tasks.target import Classification, Regression, Target


@dataclass(frozen=True)
class Tensors:
    """Items and what they should be predicted as."""

    x: Tensor  # (n, ...)
    y: Tensor  # (n,) int64 or float32

    def __len__(self) -> int:
        return len(self.y)

    @property
    def device(self) -> torch.device:
        return self.x.device

    def rows(self, index: Tensor) -> "Tensors":
        return Tensors(self.x[index], self.y[index])

    def labelled(self, y: Tensor) -> "Tensors":
        """The same items with other labels."""
        return replace(self, y=y)

    def to(self, device: torch.device | str) -> "Tensors":
        return Tensors(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class TensorData:
    """What one run sees: three disjoint sets."""

    train: Tensors
    val: Tensors
    test: Tensors
    target: Target
    sizes: dict[str, int]

    @classmethod
    def from_tensors(
        cls,
        train: tuple[Tensor, Tensor],
        val: tuple[Tensor, Tensor],
        test: tuple[Tensor, Tensor],
        *,
        classes: tuple[str, ...] | None = None,
        item: str = "item",
    ) -> Self:
        """x (n, ...) and y (n,) of each set: whole numbers are classes, others are regressed on.

        classes: their names; default: as many as there are numbers up to the largest
        UserError for sets that do not fit together or are not finite
        """
        sets = {"train": Tensors(*train), "val": Tensors(*val), "test": Tensors(*test)}
        for name, own in sets.items():
            _check(name, own, sets["train"])
        y = sets["train"].y
        features = {"features": sets["train"].x[0].numel()}
        if y.dtype == torch.int64:
            named = classes or tuple(
                map(str, range(1 + max(int(s.y.max()) for s in sets.values())))
            )
            return cls(
                **sets,
                target=Classification(named, item),
                sizes={**features, "classes": len(named)},
            )
        std = float(y.double().std(correction=0))
        if not std:
            raise UserError("train: all targets are the same number")
        target = Regression(float(y.double().mean()), std)
        return cls(**sets, target=target, sizes={**features, "numbers": 1})

    def epoch_batches(
        self, asked: Train, *, seed: int, epoch: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        """Shuffled by (seed, epoch)."""
        for name in ("mixup", "cutmix"):
            if getattr(asked, name):
                raise UserError(f"train.{name}: only images are mixed; leave it out")
        if asked.augment != "none":
            raise UserError(f"train.augment: {asked.augment} is for images; leave it out")
        shuffled = np.random.default_rng([seed, epoch, 0]).permutation(len(self.train))
        for i in range(num_batches(len(self.train), asked.batch_size)):
            rows = shuffled[i * asked.batch_size : (i + 1) * asked.batch_size]
            own = torch.from_numpy(shard.of(rows, mixed=False)).to(self.train.device)
            yield self.train.x[own], self.train.y[own]

    def eval_batches(
        self, samples: Tensors, *, batch_size: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        starts = range(0, len(samples), batch_size)
        for i in starts[shard.rank :: shard.size]:
            yield samples.x[i : i + batch_size], samples.y[i : i + batch_size]

    def to(self, device: torch.device | str) -> Self:
        train, val, test = (part.to(device) for part in self._parts)
        return replace(self, train=train, val=val, test=test)

    def digest(self) -> str:
        """16 hex digits that tell these data from others."""
        sha = hashlib.sha256()
        for part in self._parts:
            for tensor in (part.x, part.y):
                sha.update(tensor.cpu().numpy().tobytes())
        return sha.hexdigest()[:16]

    def close(self) -> None:
        """Nothing to end."""

    @property
    def _parts(self) -> tuple[Tensors, Tensors, Tensors]:
        return self.train, self.val, self.test


def _check(name: str, own: Tensors, train: Tensors) -> None:
    if len(own.x) != len(own.y) or not len(own.y):
        raise UserError(f"{name}: {len(own.x)} items and {len(own.y)} targets")
    shape, wanted = tuple(own.x.shape[1:]), tuple(train.x.shape[1:])
    if shape != wanted:
        raise UserError(f"{name}: items are {shape}, those of train {wanted}")
    kind = own.y.dtype
    if own.y.ndim != 1 or kind != train.y.dtype or kind not in (torch.int64, torch.float32):
        got = f"{tuple(own.y.shape)} {kind}"
        raise UserError(f"{name}: targets must be (n,), int64 or float32 in all sets, got {got}")
    for what, values in (("items", own.x), ("targets", own.y)):
        if values.is_floating_point() and not values.isfinite().all():
            raise UserError(f"{name}: {what} hold NaN or infinite numbers")
