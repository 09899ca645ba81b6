"""The step that a loop over evaluations has taken, for loops that call `step()` all the same."""

from collections.abc import Mapping

from torch import Tensor, nn

from variants.driver.callers import CHANGED


class Taken:
    """Knows the direction that it left in `.grad`: what becomes of that has no effect any more."""

    def __init__(self, parameters: Mapping[str, nn.Parameter] | None = None) -> None:
        self._waits = parameters is not None
        self._left: list[tuple[str, nn.Parameter, Tensor, int]] = [
            (name, p, p.grad, p.grad._version)
            for name, p in (parameters or {}).items()
            if p.grad is not None
        ]

    def once(self) -> bool:
        """Whether a `step()` without a closure is this one; ValueError if it was clipped since."""
        for name, p, grad, version in self._left:
            if p.grad is grad and grad._version != version:
                raise ValueError(CHANGED.format(name=name))
        waits, self._waits = self._waits, False
        return waits

    def forget(self) -> None:
        """Takes away what it left, unless the loop did."""
        for _, p, grad, _ in self._left:
            if p.grad is grad:
                p.grad = None
        self._waits, self._left = False, []
