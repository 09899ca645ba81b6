"""The step that a loop over evaluations has taken, for loops that call `step()` all the same."""

from collections.abc import Mapping

from torch import nn

from variants.core import ops
from variants.driver.callers import CHANGED


class Taken:
    """Knows the direction that it left in `.grad`: what becomes of that has no effect any more."""

    def __init__(self, parameters: Mapping[str, nn.Parameter] | None = None) -> None:
        self._waits = parameters is not None
        self._held = [p for p in (parameters or {}).values() if p.grad is not None]
        self._left = {n: p.grad for n, p in (parameters or {}).items() if p.grad is not None}
        self._versions = [grad._version for grad in self._left.values()]
        self._norm = ops.norm(self._left)

    def once(self) -> bool:
        """Whether a `step()` without a closure is this one; ValueError if it was clipped since."""
        waits, self._waits = self._waits, False
        if waits and self._versions != [grad._version for grad in self._left.values()]:
            if bool(ops.norm(self._left) != self._norm):  # to multiply by 1, as some do, is nothing
                raise ValueError(CHANGED)
        return waits

    def forget(self) -> None:
        """Takes away what it left, unless the loop did."""
        for p, grad in zip(self._held, self._left.values(), strict=True):
            if p.grad is grad:
                p.grad = None
        self._waits, self._held, self._left, self._versions = False, [], {}, []
