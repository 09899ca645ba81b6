"""What one run sees of a dataset."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sambench.config import Train
from sambench.tasks.images import batches
from sambench.tasks.images.batches import Batch
from sambench.tasks.images.images import Samples
from sambench.tasks.shard import Shard
from sambench.tasks.target import Classification, MultiLabel


@dataclass(frozen=True)
class Data:
    """What one run sees: three disjoint sets, and the statistics of `train / 255` per channel."""

    train: Samples
    val: Samples
    test: Samples
    classes: tuple[str, ...]
    mean: Tensor  # (c,) float32
    std: Tensor  # (c,) float32
    weights: Tensor | None = None
    """(classes,) float32, of losses in training, see `Classification`"""

    def to(self, device: torch.device | str) -> "Data":
        """The same data on `device`."""
        train, val, test = (part.to(device) for part in self._parts)
        mean, std = self.mean.to(device), self.std.to(device)
        weights = None if self.weights is None else self.weights.to(device)
        return Data(train, val, test, self.classes, mean, std, weights)

    def digest(self) -> str:
        """16 hex digits that tell this data from other data."""
        sha = hashlib.sha256()
        for part in self._parts:
            sha.update(part.content())
        return sha.hexdigest()[:16]

    @property
    def sizes(self) -> dict[str, int]:
        """Of what a model takes, and of what it gives."""
        return {"channels": self.train.shape[1], "classes": len(self.classes)}

    @property
    def target(self) -> Classification | MultiLabel:
        if self.train.y.ndim == 2:
            return MultiLabel(self.classes, "image")
        return Classification(self.classes, "image", self.weights)

    def epoch_batches(
        self, asked: Train, *, seed: int, epoch: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        """Normalised, augmented and mixed as `asked` says."""
        return batches.epoch_batches(
            self.train,
            batch_size=asked.batch_size,
            seed=seed,
            epoch=epoch,
            augment=asked.augment,
            mean=self.mean,
            std=self.std,
            mixup=asked.mixup,
            cutmix=asked.cutmix,
            classes=len(self.classes),
            shard=shard,
        )

    def eval_batches(
        self, samples: Samples, *, batch_size: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        """Normalised."""
        return batches.eval_batches(
            samples, batch_size=batch_size, mean=self.mean, std=self.std, shard=shard
        )

    def close(self) -> None:
        """Ends the processes that read images, if any."""
        for part in self._parts:
            part.close()

    @property
    def _parts(self) -> tuple[Samples, Samples, Samples]:
        return self.train, self.val, self.test
