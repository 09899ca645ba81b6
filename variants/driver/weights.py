"""The weights of a step, and their way to w + e and back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from variants.core import ops, shards
from variants.core.protocol import Tree


class Weights:
    """The trained parameters, and a backup of those that a pass has moved.

    room: memory of the backup of the step before, until this step needs it
    """

    def __init__(
        self, parameters: dict[str, nn.Parameter], room: list[Tensor], *, watch: bool = False
    ) -> None:
        self.parameters = parameters
        self.in_shards = shards.is_shard(next(iter(parameters.values())))
        """whether the parameters are: all of them, or none"""
        self._room = room
        self.vanished: Tensor | None = None
        """whether the first offset was mostly lost in rounding, if one was watched"""
        self._watch = watch
        self._backup: Tree = {}

    def let_go(self) -> None:
        """The weights are about to change: the base optimizer needs the memory of the backup.

        On a CPU it waits for the next step's first pass to be over: the passes between would leave
        none, and new pages cost more than the copy. (Kept for good, it would be in a rule's way.)
        """
        kept = list(self._backup.values())
        self._room[:] = kept if kept and kept[0].device.type == "cpu" else []
        self._backup.clear()

    @contextmanager
    def at(self, offset: Tree) -> Iterator[None]:
        """w + e for a while. w comes back by copy: w + e - e differs in its last bits.

        `offset` is emptied once it is added: a pass needs its memory.
        """
        names = list(offset)
        if not names:
            yield
            self._room.clear()
            return
        self._save([n for n in names if n not in self._backup])
        try:
            self._add(offset)
            yield
        finally:
            self._bring_back(self._live(names), self._here([self._backup[n] for n in names]))

    def _add(self, offset: Tree) -> None:
        if self.in_shards:
            laid = [shards.local(shards.laid(e, self.parameters[n])) for n, e in offset.items()]
        else:
            laid = list(offset.values())
        torch._foreach_add_(self._live(offset), laid)
        if self._watch:
            self._watch, self.vanished = False, self._is_lost(offset)
        offset.clear()

    def _live(self, names: Iterable[str]) -> list[Tensor]:
        """The weights, or the shards of them: a first forward pass may put those elsewhere."""
        return self._here([self.parameters[n] for n in names])

    def _here(self, tensors: list[Tensor]) -> list[Tensor]:
        """What this process holds of tensors like the parameters."""
        return [shards.local(t) for t in tensors] if self.in_shards else tensors

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
        self._room.clear()
        kept = {n: torch.empty_like(self.parameters[n], requires_grad=False) for n in names}
        torch._foreach_copy_(self._here(list(kept.values())), self._live(names))
        self._backup |= kept
