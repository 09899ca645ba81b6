"""Writes into given tensors, seen while a forward pass makes them."""

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Writes(TorchDispatchMode):
    """Keeps the value of each of `tensors` that is written to, or gets another `.data`, as it was.

    Copies on writing only: watched tensors may fill most of the memory. What a compiled graph
    writes is noticed afterwards alone: of that, the value after it.
    """

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Else nothing is compiled meanwhile, and `fullgraph=True` fails."""
        return True

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        super().__init__()
        self._watched = {_place(t): (t, t.detach()) for t in tensors}
        self._versions = {place: t._version for place, (t, _) in self._watched.items()}
        self._copies: dict[int, Tensor] = {}

    def found(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The tensors that were written to, each with a copy of what it held before."""
        for place, (t, before) in self._watched.items():
            if place in self._copies:
                yield t, self._copies[place]
            elif _place(t) != place or t._version != self._versions[place]:
                yield t, before.clone()

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if func._schema.is_mutable:
            declared = func._schema.arguments
            given = [*zip(declared, args, strict=False)]
            given += [(a, kwargs[a.name]) for a in declared if a.name in kwargs]
            for argument, value in given:
                if argument.alias_info is not None and argument.alias_info.is_write:
                    self._keep(value)
        return func(*args, **kwargs)

    def _keep(self, value: object) -> None:
        for t in tree_leaves(value):
            if isinstance(t, Tensor) and (place := _place(t)) in self._watched:
                self._copies.setdefault(place, self._watched[place][1].clone())


def _place(t: Tensor) -> int:
    return t.untyped_storage()._cdata
