"""The processes that torchrun starts to train one run together, each with a part of every batch."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sambench.errors import UserError, WorkFailed, shortened
from sambench.training.launch import WAY_OUT, check_meeting_place, launched, local_rank

MEETING = timedelta(seconds=60)  # for a process that still imports
PATIENCE = timedelta(hours=6)  # for a process that decodes or evaluates while others wait
LOST = "another process of the trial was lost; the same command goes on from its last checkpoint"

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process among those of a run; alone, nothing here communicates."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process prints, logs and writes files."""
        return self.rank == 0

    def first(self, compute: Callable[[], T]) -> T:
        """What `compute` returns on rank 0, on all ranks."""
        if self.size == 1:
            return compute()
        box: list[Any] = [compute() if self.leads else None]
        dist.broadcast_object_list(box)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, on all ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def sums(self, *values: Tensor) -> list[Tensor]:
        """0-d tensors of one device, summed over the ranks in float64."""
        if self.size == 1:
            return list(values)
        total = torch.stack([value.double() for value in values])
        dist.all_reduce(total)
        return list(total)

    def means(self, values: dict[str, float]) -> dict[str, float]:
        """Means over the ranks."""
        if self.size == 1:
            return values
        total = torch.tensor(list(values.values()), dtype=torch.float64)
        dist.all_reduce(total)
        return dict(zip(values, (total / self.size).tolist(), strict=True))

    def agree(self, modules: Sequence[nn.Module]) -> None:
        """Gives all ranks the buffers of rank 0: BatchNorm's statistics and the like."""
        if self.size > 1:
            for buffer in (b for module in modules for b in module.buffers()):
                dist.broadcast(buffer, 0)

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model whose gradients `variants.SharpnessAware` can average over the ranks."""
        return model if self.size == 1 else DistributedDataParallel(model)


@contextmanager
def joined() -> Iterator[World]:
    """This process joins the others, or is alone if there are none.

    UserError if they do not come, WorkFailed if one of them is lost on the way.
    """
    if not launched():
        yield World()
        return
    check_meeting_place()
    cuda = torch.cuda.is_available() and dist.is_nccl_available()
    store, rank, size = _met()
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise WorkFailed(LOST) from None
        raise
    dist.destroy_process_group()


def _met() -> tuple[dist.Store, int, int]:
    """The store through which all processes talk, once all are there; own rank, their number."""
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    num = os.environ["WORLD_SIZE"]
    try:
        store, rank, size = next(dist.rendezvous("env://", timeout=MEETING))
        if store.add("sambench/here", 1) % size == 0:  # torchrun's store outlives a restart
            store.set("sambench/met", "")
        store.wait(["sambench/met"], MEETING)
        store.set_timeout(PATIENCE)
    except (RuntimeError, ValueError, OSError):
        raise UserError(
            f"WORLD_SIZE={num}: not all of {num} processes met at {shortened(where, 60)} within "
            f"{MEETING.seconds} s; {WAY_OUT}"
        ) from None
    return store, rank, size


def own_device(name: str) -> str:
    """The device of this process, for `--device`; UserError if it names one for all of them."""
    if name.startswith("cuda:"):
        raise UserError(f"--device: {name} is one device for all processes; write cuda")
    if name == "cpu" or not torch.cuda.is_available():
        return name
    own = local_rank()
    if own < torch.cuda.device_count():
        torch.cuda.set_device(own)
    return f"cuda:{own}"


def first_to_fail() -> bool:
    """Whether no other process has told yet what went wrong."""
    if not dist.is_initialized():
        return os.environ["RANK"] == "0"
    try:
        return dist.distributed_c10d._get_default_store().add("sambench/failures", 1) == 1
    except RuntimeError:
        return False  # the store has ended, and with it another process
