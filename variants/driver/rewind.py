"""Undoing a step of a base optimizer."""

import random
import types
from collections import deque
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_OPAQUE = (nn.Module, type, types.ModuleType)


class Rewind:
    """Remembers all that hangs on an optimizer; `restore` puts it back, into the same objects.

    Weights, state and groups, and what wrappers and preconditioners keep in lists, in attributes,
    in optimizers and generators of their own.
    """

    def __init__(self, base: Optimizer) -> None:
        self._undo: list[Callable[[], object]] = []
        self._seen: dict[int, object] = {}
        """by id; kept alive, that no other object gets the id"""
        self._copies: dict[int, Tensor] = {}
        """of tensors, by the id of each"""
        self._remember(base)

    def restore(self) -> None:
        """Puts everything back as it was at construction."""
        for undo in self._undo:
            undo()

    def before(self, tensor: Tensor) -> Tensor:
        """What it held at construction. KeyError if it does not hang on the optimizer."""
        return self._copies[id(tensor)]

    def _remember(self, value: object) -> None:
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            copy = self._copies[id(value)] = value.detach().clone()
            self._undo.append(lambda: value.detach().copy_(copy))
        elif isinstance(value, dict):
            self._remember_items(value, value.items(), value.update)
        elif isinstance(value, list | deque):
            self._remember_items(value, value, value.extend)
        elif isinstance(value, set):
            self._remember_items(value, value, value.update)
        elif isinstance(value, tuple):
            for item in value:
                self._remember(item)
        elif isinstance(value, torch.Generator):
            state = value.get_state()
            self._undo.append(lambda: value.set_state(state))
        elif isinstance(value, random.Random):
            drawn = value.getstate()
            self._undo.append(lambda: value.setstate(drawn))
        elif hasattr(value, "__dict__") and not callable(value) and not isinstance(value, _OPAQUE):
            self._remember(vars(value))

    def _remember_items(
        self,
        container: dict | list | deque | set,
        items: Iterable[object],
        fill: Callable[[list], object],
    ) -> None:
        kept = list(items)

        def undo() -> None:
            container.clear()
            fill(kept)

        self._undo.append(undo)
        for item in kept:
            self._remember(item)
