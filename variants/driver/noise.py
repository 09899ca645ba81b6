"""Noise as a function of (seed, step, call): equal on all ranks, nothing to checkpoint."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from variants.core import shards
from variants.core.protocol import Tree

Kind = Callable[..., Tensor]
"""torch.randn or torch.rand"""
Draws = Sequence[Tree | Tensor | Sequence[float]] | Tensor
"""of one step, by the number of the call"""
Replay = Callable[[int, int, Tree], Tree] | Sequence[Draws] | Tensor
"""Recorded draws: a function (step, call, like) -> tree, or something indexed [step][call] that
gives a tree or one flat vector, all parameters concatenated in the order of the model."""


def generator(seed: int, step: int, call: int, device: torch.device) -> torch.Generator:
    """A fresh generator on `device` for one draw."""
    digest = hashlib.blake2b(f"{seed}/{step}/{call}".encode(), digest_size=8).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "big") >> 1)


def draw(kind: Kind, like: Tree, *, seed: int, step: int, call: int) -> Tree:
    """One tensor of `kind` per tensor of `like`, in its order."""
    source: dict[torch.device, torch.Generator] = {}
    noise: Tree = {}
    for name, t in like.items():
        rng = source.setdefault(t.device, generator(seed, step, call, t.device))
        drawn = kind(t.shape, generator=rng, dtype=t.dtype, device=t.device)
        noise[name] = shards.cut(drawn, t)
    return noise


def replay(recorded: Replay, like: Tree, *, step: int, call: int) -> Tree:
    """The recorded draw of this step and call, shaped like `like`."""
    drawn = recorded(step, call, like) if callable(recorded) else recorded[step][call]
    if isinstance(drawn, dict):
        return {name: _as(torch.as_tensor(drawn[name]), t) for name, t in like.items()}
    pieces = torch.as_tensor(drawn).split([t.numel() for t in like.values()])
    return {n: _as(v.reshape(t.shape), t) for v, (n, t) in zip(pieces, like.items(), strict=True)}


def _as(value: Tensor, like: Tensor) -> Tensor:
    return shards.cut(value.to(like.device, like.dtype, copy=True), like)  # rules use noise up
