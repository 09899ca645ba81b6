"""Masks over all weights at once."""

import torch

from variants.core import ops
from variants.core.protocol import Tree


def top(scores: Tree, k: int) -> Tree:
    """True at the k largest of all scores together."""
    flat = torch.cat([t.flatten() for t in scores.values()])
    live = torch.zeros_like(flat, dtype=torch.bool).scatter(0, flat.topk(k).indices, True)
    pieces = live.split([t.numel() for t in scores.values()])
    return {n: m.reshape(t.shape) for m, (n, t) in zip(pieces, scores.items(), strict=True)}


def size(tree: Tree) -> int:
    """Number of entries of all tensors."""
    return sum(t.numel() for t in tree.values())


def none(params: Tree) -> Tree:
    """A mask that is False everywhere."""
    return ops.each(lambda t: torch.zeros_like(t, dtype=torch.bool), params)
