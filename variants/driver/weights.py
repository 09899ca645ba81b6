"""The weights of a step, and their way to w + e and back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from variants.core import ops, shards
from variants.core.protocol import Tree


class Weights:
    """The trained parameters, and a backup of those that a pass has moved."""

    def __init__(self, parameters: dict[str, nn.Parameter], *, watch: bool = False) -> None:
        self.parameters = parameters
        self.vanished: Tensor | None = None
        """whether the first offset was mostly lost in rounding, if one was watched"""
        self._watch = watch
        self._backup: Tree = {}

    def let_go(self) -> None:
        """The weights are about to change: the base optimizer needs the memory of the backup."""
        self._backup.clear()

    @contextmanager
    def at(self, offset: Tree) -> Iterator[None]:
        """w + e for a while. w comes back by copy: w + e - e differs in its last bits.

        `offset` is emptied once it is added: a pass needs its memory.
        """
        names = list(offset)
        if not names:
            yield
            return
        self._save([n for n in names if n not in self._backup])
        try:
            self._add(offset)
            yield
        finally:
            kept = [shards.local(self._backup[n]) for n in names]
            self._bring_back(self._live(names), kept)

    def _add(self, offset: Tree) -> None:
        laid = [shards.local(shards.laid(e, self.parameters[n])) for n, e in offset.items()]
        torch._foreach_add_(self._live(offset), laid)
        if self._watch:
            self._watch, self.vanished = False, self._is_lost(offset)
        offset.clear()

    def _live(self, names: Iterable[str]) -> list[Tensor]:
        """The weights, or the shards of them: a first forward pass may put those elsewhere."""
        return [shards.local(self.parameters[n]) for n in names]

    def _is_lost(self, offset: Tree) -> Tensor:
        """Whether w moved by less than half of the offset: most of it was below its precision."""
        wanted = ops.norm(offset)
        pairs = [(self.parameters[n].detach(), self._backup[n]) for n in offset]
        moves = [ops.norm({"": p - w}) for p, w in pairs]
        return (torch.stack(moves).norm() < wanted / 2) & wanted.isfinite()

    def _bring_back(self, live: list[Tensor], kept: list[Tensor]) -> None:
        try:
            torch._foreach_copy_(live, kept)
        except RuntimeError:  # it stops at the first that the closure gave another shape
            for p, value in zip(live, kept, strict=True):
                p.data = value.clone()

    def _save(self, names: list[str]) -> None:
        if not names:
            return
        kept = {n: torch.empty_like(self.parameters[n], requires_grad=False) for n in names}
        torch._foreach_copy_([shards.local(t) for t in kept.values()], self._live(names))
        self._backup |= kept
