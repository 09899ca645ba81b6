"""A trained model, and the items it is measured on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sambench import seeds
from sambench.errors import UserError
from sambench.tasks import Classification, Target, select

Batch = tuple[Any, Tensor]
"""what a task's data give for a batch, (b, ...); of images pixels (b, c, h, w) in [0, 1]"""
Epoch = Mapping[str, float]
"""what a run noted of one"""
Needs = Literal["", "classes", "images"]
"""of the items: nothing, that each is of one class, or that they are images of one class each"""


@dataclass(frozen=True)
class Pixels:
    """How pixels in [0, 1] become what a model takes: less `mean`, over `std`, by channel."""

    mean: Tensor  # (c,)
    std: Tensor  # (c,)

    def __call__(self, pixels: Tensor) -> Tensor:
        """(b, c, h, w)"""
        mean, std = (own.to(pixels)[:, None, None] for own in (self.mean, self.std))
        return (pixels - mean) / std


@dataclass(frozen=True)
class Subject:
    """A model in evaluation mode whose parameters, all of one float type, take gradients.

    train: as the run was trained, wrong labels included, without augmentation
    target: whose losses training minimised, here without label smoothing
    pixels: of images; None of all else
    true: of the train batches, the labels before noise; None where nobody knows
    seed: of all that is drawn
    history: the run's epochs; none where nobody knows
    """

    model: nn.Module
    train: Sequence[Batch]
    test: Sequence[Batch]
    target: Target
    pixels: Pixels | None = None
    true: Sequence[Tensor] | None = None
    seed: int = 0
    history: tuple[Epoch, ...] = ()

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    @property
    def device(self) -> torch.device:
        return self.parameters[0].device

    @property
    def classes(self) -> int:
        """How many there are; UserError where items are not of one class each."""
        if why := misfit("classes", self.target, images=self.pixels is not None):
            raise UserError(why)
        assert isinstance(self.target, Classification)
        return len(self.target.classes)

    def outputs(self, inputs: Any) -> Tensor:
        """(b, ...), of a batch's inputs in the model's float type."""
        inputs = self._typed(inputs)
        return self.model(inputs if self.pixels is None else self.pixels(inputs))

    def losses(self, inputs: Any, y: Tensor) -> Tensor:
        """(b,)"""
        return self.losses_of(self.outputs(inputs), y)

    def losses_of(self, outputs: Tensor, y: Tensor) -> Tensor:
        """(b,)"""
        found = self.target.losses(outputs, y)
        return found.reshape(len(found), -1).mean(1)

    def batches(self, subset: str) -> Sequence[Batch]:
        """Of "train" or "test"; UserError if there are none."""
        found = self.train if subset == "train" else self.test
        if not found:
            raise UserError(f"there are no {subset} items")
        return found

    def num_items(self, subset: str) -> int:
        """Of "train" or "test"."""
        return sum(len(y) for _, y in (self.train if subset == "train" else self.test))

    def fewer(self, most: int | None) -> "Subject":
        """With at most so many batches of each set; None: as it is."""
        if most is None:
            return self
        true = (
            None if self.true is None else [t for _, t in _fewer([(t, t) for t in self.true], most)]
        )
        return replace(
            self, train=_fewer(self.train, most), test=_fewer(self.test, most), true=true
        )

    def generator(self, *stream: int) -> torch.Generator:
        """On the CPU, so that a device draws what another does."""
        return torch.Generator().manual_seed(seeds.derive(self.seed, "measure", *stream).init)

    def _typed(self, inputs: Any) -> Any:
        if isinstance(inputs, dict):
            return {name: self._typed(own) for name, own in inputs.items()}
        return inputs.to(self.parameters[0]) if inputs.is_floating_point() else inputs


def misfit(needs: Needs, target: Target, *, images: bool) -> str:
    """Why what needs this cannot be measured of such items, "" where it can."""
    if needs == "images" and not images:
        return "is for images"
    if needs and not isinstance(target, Classification):
        return "is for items of one class each"
    return ""


def spread(num: int, most: int) -> Tensor:
    """Rows at even distances, so that all classes of a sorted set count."""
    wanted = min(num, most)
    return torch.arange(wanted) * num // max(wanted, 1)


def _fewer(batches: Sequence[Batch], most: int) -> Sequence[Batch]:
    """Batches as large as the first, but for inputs that differ in size from batch to batch."""
    if len(batches) <= most:
        return batches
    size, sizes = len(batches[0][1]), [len(y) for _, y in batches]
    wanted = torch.zeros(sum(sizes), dtype=torch.bool)
    wanted[spread(len(wanted), most * size)] = True
    rows = [own.nonzero().flatten() for own in wanted.split(sizes)]
    parts = [(select(x, own), y[own]) for (x, y), own in zip(batches, rows, strict=True)]
    inputs = [x for x, _ in parts]
    if any(isinstance(x, dict) or x.shape[1:] != inputs[0].shape[1:] for x in inputs):
        return [(x, y) for x, y in parts if len(y)]
    joined = (torch.cat(own).split(size) for own in zip(*parts, strict=True))
    return list(zip(*joined, strict=True))


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
