"""A function turned inside out: where it would call, it waits until somebody else has answered."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch

T = TypeVar("T")

_accelerator = torch.accelerator.current_accelerator()
DEVICES = ("cpu",) if _accelerator is None else ("cpu", _accelerator.type)
MISSING = "loops over evaluations need the package greenlet: pip install greenlet"


def turns(work: Callable[[Callable[[T], None]], object]) -> Iterator[T]:
    """Yields what `work(ask)` asks for: `ask(x)` comes back when the iteration goes on.

    Both sides run in one thread, each with its own grad mode and autocast. If the iterator is
    closed, `ask` raises; what `work` raises comes out of the iteration.
    """
    try:
        import greenlet  # the rest of `variants` needs torch alone
    except ImportError as error:
        raise ImportError(MISSING) from error
    inner = greenlet.greenlet(work)

    def ask(wanted: T) -> None:
        if inner.parent is not None:
            _switch(inner.parent.switch, wanted)

    wanted = _switch(inner.switch, ask)
    try:
        while not inner.dead:
            yield wanted
            inner.parent = greenlet.getcurrent()
            wanted = _switch(inner.switch)
    finally:
        if not inner.dead:
            inner.parent = greenlet.getcurrent()
            _switch(inner.throw)


def _switch(to: Callable[..., Any], *given: object) -> Any:
    """Lets the other side run; what it does to the modes of this thread, this side does not see."""
    grad, cache = torch.is_grad_enabled(), torch.is_autocast_cache_enabled()
    casts = [(d, torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in DEVICES]
    try:
        return to(*given)
    finally:
        torch.set_grad_enabled(grad)
        torch.set_autocast_cache_enabled(cache)
        for device, enabled, dtype in casts:
            torch.set_autocast_enabled(device, enabled)
            torch.set_autocast_dtype(device, dtype)
