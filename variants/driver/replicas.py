"""The replicas of a model in several processes, as DistributedDataParallel makes them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from variants.core.protocol import State, Update

BUCKET = 2**25  # bytes that one collective moves; the copy it needs is as large


class Replicas:
    """This process among those that train copies of one model; alone, nothing here does anything.

    local: every replica runs the rule on its own rows, and their directions are averaged;
    synced: every gradient is averaged, so that all replicas run one rule on one batch.
    """

    def __init__(self, model: nn.Module, ascent: str) -> None:
        if ascent not in ("local", "synced"):
            raise ValueError(f"ascent must be 'local' or 'synced', got {ascent!r}")
        found = (m for m in model.modules() if isinstance(m, DistributedDataParallel))
        self._ddp = next(found, None)
        self._group = None if self._ddp is None else self._ddp.process_group
        self.count = 1 if self._ddp is None else dist.get_world_size(self._group)
        self.local = self.count > 1 and ascent == "local"
        self.synced = self.count > 1 and ascent == "synced"

    @property
    def is_distributed(self) -> bool:
        """Whether DDP wraps the model, be it alone."""
        return self._ddp is not None

    @property
    def reuses_grads(self) -> bool:
        """Whether the next backward pass overwrites the gradients of the last one."""
        return self._ddp is not None and self._ddp.gradient_as_bucket_view

    def quiet(self) -> AbstractContextManager[None]:
        """Forward and backward passes in it stay in this process."""
        return nullcontext() if self._ddp is None else self._ddp.no_sync()

    def begin(self) -> None:
        """Starts a step with the buffers of rank 0: DDP does it only after synced passes."""
        if self.local and self._ddp is not None and self._ddp.broadcast_buffers:
            for bucket in _buckets([b for b in self._ddp.module.buffers() if b.numel()]):
                flat = torch.cat([b.reshape(-1) for b in bucket])
                self._broadcast(flat)
                _unpack(flat, bucket)

    def mean_(self, tensors: list[Tensor]) -> None:
        """Replaces tensors by their mean over the replicas, the same bits on all of them."""
        for bucket in _buckets(tensors):
            flat = torch.cat([t.reshape(-1) for t in bucket])
            dist.all_reduce(flat, group=self._group)
            _unpack(flat.div_(self.count), bucket)

    def average(self, value: Tensor) -> Tensor:
        """The mean of a tensor over replicas that share their gradients; else itself."""
        if not self.synced:
            return value
        value = value.clone()
        self.mean_([value])
        return value

    def first(self, value: Tensor) -> Tensor:
        """The value of rank 0, on all ranks."""
        if self.count == 1:
            return value
        value = value.clone()
        self._broadcast(value)
        return value

    def _broadcast(self, value: Tensor) -> None:
        bits = value.view(torch.uint8) if value.dtype == torch.bool else value  # gloo has no bool
        dist.broadcast(bits, group=self._group, group_src=0)

    def all(self, flag: Tensor) -> Tensor:
        """Whether a 0-d flag holds on every rank."""
        if self.count == 1:
            return flag
        votes = flag.to(torch.int32)
        dist.all_reduce(votes, dist.ReduceOp.MIN, group=self._group)
        return votes.bool()

    def join(self, update: Update, reached: set[str]) -> None:
        """Makes local directions one: the mean, of whatever some replica reached. In place."""
        if not self.local:
            return
        if self._ddp is not None and self._ddp.find_unused_parameters:
            device = next(iter(update.grads.values())).device
            hits = torch.tensor([n in reached for n in update.grads], device=device).int()
            dist.all_reduce(hits, dist.ReduceOp.MAX, group=self._group)
            reached.update(n for n, hit in zip(update.grads, hits.tolist(), strict=True) if hit)
        self.mean_([t for tree in update if tree is not None for t in tree.values()])

    def joined(self, new: State, old: State) -> State:
        """Local states as one: the mean of what floats, rank 0's of the rest."""
        if not self.local:
            return new
        changed: list[Tensor] = []
        state = _copied(new, old, changed)
        self.mean_([t for t in changed if t.is_floating_point()])
        for t in changed:
            if not t.is_floating_point():
                t.copy_(self.first(t))
        return state


def _copied(new: State, old: State, changed: list[Tensor]) -> State:
    """`new`; where a step made a tensor, a copy of it, which also goes into `changed`."""
    state: State = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict):
            value = _copied(value, before if isinstance(before, dict) else {}, changed)
        elif isinstance(value, Tensor) and value is not before:  # else it is equal everywhere
            value = value.clone()
            changed.append(value)
        state[key] = value
    return state


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors of one dtype and device together, up to a size; the same cut on every rank."""
    kinds = {(t.dtype, t.device): None for t in tensors}
    for kind in kinds:
        bucket, size = [], 0
        for t in (t for t in tensors if (t.dtype, t.device) == kind):
            if bucket and size + t.nbytes > BUCKET:
                yield bucket
                bucket, size = [], 0
            bucket.append(t)
            size += t.nbytes
        yield bucket


def _unpack(flat: Tensor, bucket: list[Tensor]) -> None:
    pieces = flat.split([t.numel() for t in bucket])
    torch._foreach_copy_(bucket, [v.view_as(t) for v, t in zip(pieces, bucket, strict=True)])
