"""Memory at fixed addresses, through which recorded work is fed and hands on its results."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

from variants.core.protocol import Tree
from variants.driver.context import Context
from variants.driver.groups import Group
from variants.driver.noise import Kind

T = TypeVar("T")

SCHEDULED = {"lr": torch.float32, "rho": torch.float64}
"""Group options that live on the device, in the precision fused kernels read a rate in."""


class Inputs:
    """Batches, copied to one place for each shape."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[Hashable, tuple[Tensor, ...]] = {}

    def fill(self, signature: Hashable, batch: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The fixed copy of a batch; equal signatures share it."""
        if signature not in self._kept:
            self._kept[signature] = tuple(t.to(self._device, copy=True) for t in batch)
        else:
            for kept, t in zip(self._kept[signature], batch, strict=True):
                kept.copy_(t, non_blocking=True)
        return self._kept[signature]


class Scalars:
    """Learning rates and radii of parameter groups as 0-d tensors, so that schedules move them."""

    def __init__(self, base: Optimizer, device: torch.device) -> None:
        self._base = base
        self._device = device
        self._kept: dict[tuple[int, str], Tensor] = {}
        self._written: dict[tuple[int, str], float] = {}

    def fill(self) -> None:
        """Copies what the groups hold now to the device, where it changed."""
        for slot, group in self._slots():
            value, kept = group[slot[1]], self._kept.get(slot)
            if kept is None:
                kept = torch.empty((), dtype=SCHEDULED[slot[1]], device=self._device)
                self._kept[slot] = kept
            if isinstance(value, Tensor):
                kept.copy_(value, non_blocking=True)
                self._written.pop(slot, None)
            elif self._written.get(slot) != value:
                kept.fill_(value)
                self._written[slot] = value

    @contextmanager
    def in_groups(self) -> Iterator[None]:
        """Puts the tensors into the groups for a while, in the place of numbers."""
        numbers = [(slot, group[slot[1]]) for slot, group in self._slots()]
        for slot, group in self._slots():
            group[slot[1]] = self._kept[slot]
        try:
            yield
        finally:
            for (i, name), value in numbers:
                self._base.param_groups[i][name] = value

    def _slots(self) -> Iterator[tuple[tuple[int, str], Group]]:
        for i, group in enumerate(self._base.param_groups):
            yield (i, "lr"), group
            if "rho" not in self._base.defaults and group.get("rho") is not None:
                yield (i, "rho"), group


class Noise:
    """A step's draws, each in one place: drawn by the host's clock, read by recorded work."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[Hashable, tuple[Kind, Tree, int]] = {}
        self._asked: list[Hashable] | None = None

    @contextmanager
    def asked(self) -> Iterator[list[Hashable]]:
        """What is asked for meanwhile, for `fill`; nothing is drawn."""
        self._asked = []
        try:
            yield self._asked
        finally:
            self._asked = None

    def fill(self, asked: Sequence[Hashable], step: int) -> None:
        """Draws the noise of a step."""
        for name in asked:
            kind, kept, call = self._kept[name]
            _overwrite(
                list(kept.values()), list(self._context.draw(kind, kept, step, call).values())
            )

    def __call__(self, kind: Kind, like: Tree, step: int, call: int) -> Tree:
        shapes = tuple((n, t.shape, t.dtype) for n, t in like.items())
        name = (kind, call, shapes)
        if self._asked is not None:
            self._asked.append(name)
        elif name in self._kept:
            self.fill([name], step)
        else:
            self._kept[name] = (kind, self._context.draw(kind, like, step, call), call)
        return dict(self._kept[name][1])


class Carried:
    """What one step leaves to the next, in one place."""

    def __init__(self) -> None:
        self._value: object = None

    def keep(self, new: T) -> tuple[T, bool]:
        """`new`, in the place of what was kept; False if it needs another, or has other numbers."""
        leaves, spec = tree_flatten(new)
        olds, old_spec = tree_flatten(self._value)
        if spec != old_spec or not all(map(_same_place, olds, leaves)):
            self._value = kept = tree_map_only(Tensor, torch.clone, new)
            return kept, False
        pairs = [(o, n) for o, n in zip(olds, leaves, strict=True) if o is not n]
        tensors = [(o, n) for o, n in pairs if isinstance(o, Tensor)]
        places = {_place(o) for o in olds if isinstance(o, Tensor)}
        news = [n.clone() if _place(n) in places else n for _, n in tensors]
        _overwrite([o for o, _ in tensors], news)
        self._value = kept = tree_unflatten(olds, old_spec)
        return kept, True


def _overwrite(old: list[Tensor], new: list[Tensor]) -> None:
    if old:
        torch._foreach_copy_(old, new)


def _same_place(old: object, new: object) -> bool:
    """Whether `new` may be written over `old`; of numbers, whether they are equal."""
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        return (old.shape, old.dtype, old.device) == (new.shape, new.dtype, new.device)
    return type(old) is type(new) and old == new


def _place(t: Tensor) -> int:
    return t.untyped_storage().data_ptr()
