"""A trained model, and the images it is measured on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sambench import seeds
from sambench.errors import UserError

Batch = tuple[Tensor, Tensor]
"""pixels (b, c, h, w) in [0, 1], labels (b,) int64"""
Epoch = Mapping[str, float]
"""what a run noted of one"""


@dataclass(frozen=True)
class Subject:
    """A model in evaluation mode whose parameters, all of one float type, take gradients.

    train: as the run was trained, wrong labels included, without augmentation
    true: of the train batches, the labels before noise; None where nobody knows
    mean, std: (c,) of pixels
    seed: of all that is drawn
    history: the run's epochs; none where nobody knows
    """

    model: nn.Module
    train: Sequence[Batch]
    test: Sequence[Batch]
    classes: int
    mean: Tensor
    std: Tensor
    true: Sequence[Tensor] | None = None
    seed: int = 0
    history: tuple[Epoch, ...] = ()
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy
    """(logits, labels, reduction="none") -> losses (b,)"""

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def logits(self, pixels: Tensor) -> Tensor:
        """(b, c, h, w) in [0, 1] -> (b, classes), in the model's float type."""
        like = self.parameters[0]
        mean, std = self.mean.to(like)[:, None, None], self.std.to(like)[:, None, None]
        return self.model((pixels.to(like) - mean) / std)

    def losses(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """(b,)"""
        return self.losses_of(self.logits(pixels), labels)

    def losses_of(self, logits: Tensor, labels: Tensor) -> Tensor:
        """(b,)"""
        return self.criterion(logits, labels, reduction="none")  # pyright: ignore

    def batches(self, subset: str) -> Sequence[Batch]:
        """Of "train" or "test"; UserError if there are none."""
        found = self.train if subset == "train" else self.test
        if not found:
            raise UserError(f"there are no {subset} images")
        return found

    def num_images(self, subset: str) -> int:
        """Of "train" or "test"."""
        return sum(len(y) for _, y in (self.train if subset == "train" else self.test))

    def fewer(self, most: int | None) -> "Subject":
        """With at most so many batches of each set; None: as it is."""
        if most is None:
            return self
        true = (
            None if self.true is None else [t for (t,) in _fewer([(t,) for t in self.true], most)]
        )
        return replace(
            self, train=_fewer(self.train, most), test=_fewer(self.test, most), true=true
        )

    def generator(self, *stream: int) -> torch.Generator:
        """On the CPU, so that a device draws what another does."""
        return torch.Generator().manual_seed(seeds.derive(self.seed, "measure", *stream).init)


def spread(num: int, most: int) -> Tensor:
    """Rows at even distances, so that all classes of a sorted set count."""
    wanted = min(num, most)
    return torch.arange(wanted) * num // max(wanted, 1)


def _fewer(batches: Sequence[tuple[Tensor, ...]], most: int) -> Any:
    """Batches as large as the first."""
    if len(batches) <= most:
        return batches
    size = len(batches[0][0])
    rows = spread(sum(len(batch[0]) for batch in batches), most * size).tolist()
    items = [[part[row % size] for part in batches[row // size]] for row in rows]
    return list(zip(*(torch.stack(p).split(size) for p in zip(*items, strict=True)), strict=True))


@contextmanager
def measured(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode with gradients on; as it was when the block ends."""
    training = {module: module.training for module in model.modules()}
    asking = {p: p.requires_grad for p in model.parameters()}
    model.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        for module, was in training.items():
            module.training = was
        for p, was in asking.items():
            p.requires_grad_(was)
