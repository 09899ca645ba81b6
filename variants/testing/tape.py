"""CUDA graphs on the CPU: operators recorded with their tensors and replayed into the same memory.

What a capture forbids raises here too: values read on the host, shapes made from data, tensors
made of Python numbers that a copy would bring to the device, generators other than the global one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

T = TypeVar("T")

FORBIDDEN = {
    "aten::_local_scalar_dense",
    "aten::_unique2",
    "aten::equal",
    "aten::is_nonzero",
    "aten::lift_fresh",
    "aten::masked_select",
    "aten::nonzero",
    "aten::repeat_interleave.Tensor",
}


class Tape:
    """A `Recorder`. Every replay ruins what other records computed: they share one memory."""

    def __init__(self, device: torch.device | None = None) -> None:
        self._reels: list[_Reel] = []

    def run(self, work: Callable[[], T]) -> T:
        return work()

    def record(self, work: Callable[[], T]) -> tuple[Callable[[], None], T]:
        reel, streams = _Reel(), torch.get_rng_state()
        try:
            with reel:
                result = work()
        finally:
            reel.undo()
            torch.set_rng_state(streams)
        self._reels.append(reel)

        def replay() -> None:
            for other in self._reels:
                other.ruin()
            reel.play()

        return replay, result


class _Operation(NamedTuple):
    """A call of an operator, and the tensors that it made, by their place in what it returned."""

    operator: OpOverload
    args: tuple[object, ...]
    kwargs: dict[str, object]
    made: list[tuple[int, Tensor]]


class _Reel(TorchDispatchMode):
    """The operators of one record."""

    def __init__(self) -> None:
        super().__init__()
        self._operations: list[_Operation] = []
        self._made: dict[int, Tensor] = {}
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        _refuse(func, args, kwargs)
        given = {_place(t) for t in _tensors((args, kwargs))}
        for t in _tensors((args, kwargs)):
            if _place(t) not in self._made and _place(t) not in self._before:
                storage = t.untyped_storage()
                self._before[_place(t)] = (storage, storage.clone())
        result = func(*args, **kwargs)
        made = [
            (i, t)
            for i, t in enumerate(tree_leaves(result))
            if isinstance(t, Tensor) and _place(t) not in given
        ]
        self._made |= {_place(t): t for _, t in made}
        self._operations.append(_Operation(func, args, kwargs, made))
        return result

    @torch.no_grad()
    def play(self) -> None:
        for func, args, kwargs, made in self._operations:
            leaves = tree_leaves(func(*args, **kwargs))
            for i, t in made:
                t.copy_(leaves[i])

    def undo(self) -> None:
        """A capture computes nothing."""
        for storage, value in self._before.values():
            storage.copy_(value)
        self.ruin()

    @torch.no_grad()
    def ruin(self) -> None:
        for t in self._made.values():
            t.fill_(float("nan") if t.is_floating_point() else 1)


def _refuse(func: OpOverload, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    name = func.name()
    masks = name.startswith("aten::index") and any(
        t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:2])
    )
    if name in FORBIDDEN or masks:
        raise RuntimeError(f"{name} in a capture: it makes the host wait or copies from it")
    if kwargs.get("generator") is not None:
        raise RuntimeError(f"{name} in a capture: a generator of its own")


def _tensors(value: object) -> Iterator[Tensor]:
    yield from (t for t in tree_leaves(value) if isinstance(t, Tensor))


def _place(t: Tensor) -> int:
    return t.untyped_storage()._cdata
