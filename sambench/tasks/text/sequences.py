"""Token sequences: kept at one length, handed out at that of the longest in a batch."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from sambench.config import Train
from sambench.tasks.data import Batch
from sambench.tasks.shard import Shard
from sambench.tasks.tensors import TensorData, Tensors

NONE = -1  # where a text has ended
MULTIPLE = 8  # of lengths: few shapes, for compilers and graphs


def trimmed(x: Tensor) -> Tensor:
    """(b, 2, length) without what is padding in every row, but for a multiple of so many tokens."""
    longest = int((x[:, 0] != NONE).sum(1).max())
    return x[..., : -(-longest // MULTIPLE) * MULTIPLE]


@dataclass(frozen=True)
class Sequences(TensorData):
    """x is (n, 2, length) int64: ids of tokens, NONE after the last, and which text of a pair."""

    def epoch_batches(
        self, asked: Train, *, seed: int, epoch: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        for x, y in super().epoch_batches(asked, seed=seed, epoch=epoch, shard=shard):
            yield trimmed(x), y

    def eval_batches(
        self, samples: Tensors, *, batch_size: int, shard: Shard = Shard()
    ) -> Iterator[Batch]:
        for x, y in super().eval_batches(samples, batch_size=batch_size, shard=shard):
            yield trimmed(x), y
