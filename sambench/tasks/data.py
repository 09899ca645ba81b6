"""What the rest of the suite sees of a task's data, whatever they are."""

from collections.abc import Iterator
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from sambench.config import Train
from sambench.tasks.shard import Shard
from sambench.tasks.target import Target

Inputs = Tensor | dict[str, Tensor]
"""What a model takes for a batch: (b, ...) each"""

Batch = tuple[Any, Tensor]
"""inputs, and what the model should give for them, (b, ...)"""


class Samples(Protocol):
    """Items with what they should be predicted as, wherever they are kept."""

    @property
    def y(self) -> Tensor:
        """(n, ...) what should be predicted, on `device`"""
        ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def rows(self, index: Tensor) -> Self:
        """The items at `index`, in its order."""
        ...

    def labelled(self, y: Tensor) -> Self:
        """The same items with other labels."""
        ...

    def to(self, device: torch.device | str) -> Self: ...


class Data(Protocol):
    """What one run sees: three disjoint sets."""

    @property
    def train(self) -> Samples: ...
    @property
    def val(self) -> Samples: ...
    @property
    def test(self) -> Samples: ...
    @property
    def target(self) -> Target: ...
    @property
    def sizes(self) -> dict[str, int]:
        """Of what a model takes, and of what it gives, in words: a caller's own is made of them."""
        ...

    def epoch_batches(
        self, asked: Train, *, seed: int, epoch: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        """One epoch of training, a function of (seed, epoch), in full batches.

        shard: the part of each batch that this process trains on
        """
        ...

    def eval_batches(
        self, samples: Any, *, batch_size: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        """Every item of one of the sets once, in order; the last batch may be smaller.

        shard: of the batches, in turns
        """
        ...

    def to(self, device: torch.device | str) -> Self:
        """The same data on `device`."""
        ...

    def digest(self) -> str:
        """16 hex digits that tell these data from others."""
        ...

    def close(self) -> None:
        """Ends the processes that read, if any."""
        ...


def num_batches(num_items: int, batch_size: int) -> int:
    """Batches per epoch: full ones only, so that shapes stay fixed; one partial if none is full."""
    return max(1, num_items // batch_size)


def select(inputs: Any, rows: Tensor | slice) -> Any:
    """Rows of a batch's inputs."""
    if isinstance(inputs, dict):
        return {name: value[rows] for name, value in inputs.items()}
    return inputs[rows]
