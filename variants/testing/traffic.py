"""What a step reads and writes outside its passes, counted operator by operator on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor
from torch._C import _current_graph_task_id as current_graph_task_id
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from variants.core import registry
from variants.core.protocol import Variant
from variants.testing import perceptron

OVERWRITES = ("copy_", "zero_", "fill_", "normal_", "uniform_")
"""Operators that do not read what they write to."""


class Traffic(NamedTuple):
    """Of a step, beyond that of the base optimizer alone; forward and backward do not count."""

    copies: float
    """read and written, in copies of the parameters"""
    calls: float
    """of operators, those on numbers included, for a model of 18 tensors"""


def traffic(variant: Variant) -> Traffic:
    """Means over the steps of a run after its first, on the model of `perceptron`."""
    found, base = _all(variant), _all(registry.create("plain"))
    return Traffic(found.copies - base.copies, found.calls - base.calls)


def _all(variant: Variant) -> Traffic:
    with Counter() as counter:
        steps = perceptron.steps(variant, counter.paused)
        next(steps)
        counter.bytes = counter.calls = 0
        num = sum(1 for _ in steps)
    return Traffic(counter.bytes / num / perceptron.parameter_bytes(), counter.calls / num)


class Counter(TorchDispatchMode):
    """Operators called, and the bytes of the tensors that they read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.calls = 0
        self._passing = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Counts nothing while it is entered."""
        self._passing = True
        try:
            yield
        finally:
            self._passing = False

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        backward = current_graph_task_id() >= 0
        if not (self._passing or backward or func.is_view):
            self.calls += 1
            self.bytes += _bytes(func, args, [*_tensors(args), *_tensors(kwargs)], result)
        return result


def _bytes(
    func: torch._ops.OpOverload, args: tuple[object, ...], given: list[Tensor], result: object
) -> int:
    name, arguments = func._schema.name, func._schema.arguments
    if "empty" in name:
        return 0
    changed = [t for a, v in zip(arguments, args, strict=False) if a.is_write for t in _tensors(v)]
    before = {id(t): t for t in given}  # what occurs twice is read once
    made = [t for t in _tensors(result) if id(t) not in before]
    if name.endswith(OVERWRITES):
        for t in changed:
            before.pop(id(t))
    return sum(t.nbytes for t in [*before.values(), *changed, *made])


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
