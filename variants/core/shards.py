"""Tensors of which every process holds a shard: torch's DTensor, whose operators see the whole."""

from typing import Any, cast

from torch import Tensor


def is_shard(t: Tensor) -> bool:
    """Whether `t` is a DTensor."""
    return hasattr(t, "device_mesh")


def local(t: Tensor) -> Tensor:
    """The part of `t` that this process holds, in the same memory; of other tensors, all."""
    return cast(Any, t).to_local() if is_shard(t) else t


def whole(t: Tensor) -> Tensor:
    """All of `t`, on every process: for numbers, which are reduced on the way."""
    return cast(Any, t).full_tensor() if is_shard(t) else t


def cut(t: Tensor, like: Tensor) -> Tensor:
    """`t`, of which every process holds all, cut into shards as `like` is."""
    if not is_shard(like):
        return t
    from torch.distributed.tensor import distribute_tensor  # a second to import

    mesh, placements = cast(Any, like).device_mesh, cast(Any, like).placements
    return distribute_tensor(t, mesh, placements, src_data_rank=None)


def laid(t: Tensor, like: Tensor) -> Tensor:
    """`t` in the same shards as `like`: operators may leave it in others, and rules whole."""
    if not is_shard(t):
        return cut(t, like)
    if cast(Any, t).placements == cast(Any, like).placements:
        return t
    return cast(Any, t).redistribute(placements=cast(Any, like).placements)
