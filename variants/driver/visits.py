"""The modules that a step runs, whoever calls them."""

import re
import sys
import threading
import warnings
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import _global_forward_pre_hooks as _hooks

Visit = Callable[[nn.Module], None]

KEY = -1  # always the same, as the hook is: compiled graphs are guarded by both
WARNED = re.compile(r"Using `torch\.compile\(module\)` when there are global hooks", re.IGNORECASE)

_lock = threading.Lock()
_visits: dict[int, list[tuple[Visit, Container[int]]]] = {}
"""of the steps under way, by thread, the innermost last"""


@contextmanager
def visited(visit: Visit, but: Container[int] = ()) -> Iterator[None]:
    """Calls `visit` before every module that runs in this thread meanwhile.

    Not for those whose id is in `but`, and not for modules inside of compiled ones: the outermost
    stands for them.
    """
    thread = threading.get_ident()
    _expect_hooks()
    with _lock:
        _visits.setdefault(thread, []).append((visit, but))
        _hooks[KEY] = _hook
    try:
        yield
    finally:
        with _lock:
            _visits[thread].pop()
            if not _visits[thread]:
                del _visits[thread]
            if not _visits:
                del _hooks[KEY]


def guarded() -> bool:
    """Whether torch.compile has been at work: its graphs are of the hooks that were there then."""
    frames = sys.modules.get("torch._dynamo.eval_frame")
    if frames is None:
        return False
    backends = getattr(frames, "cached_backends", None)  # by id; None among them compiles nothing
    return backends is None or any(backend is not None for backend in backends.values())


def _hook(module: nn.Module, args: object) -> None:
    if torch.compiler.is_compiling():
        return
    if visits := _visits.get(threading.get_ident()):
        visit, but = visits[-1]
        if id(module) not in but:
            visit(module)


def _expect_hooks() -> None:
    """torch warns of hooks on all modules when a compiled model runs: this one does it no harm."""
    compiles = "torch._dynamo.eval_frame" in sys.modules
    if compiles and not any(f[1] == WARNED for f in warnings.filters):
        warnings.filterwarnings("ignore", message=WARNED.pattern)
