"""Autocast belongs to the closure: rules and base optimizers compute in the weights' precision."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

Settings = list[tuple[str, torch.dtype, bool]]
"""(device type, dtype, cache) of every autocast that is on"""


def current(device: torch.device) -> Settings:
    """The autocasts around the caller that concern weights on `device`."""
    cache = torch.is_autocast_cache_enabled()
    return [
        (kind, torch.get_autocast_dtype(kind), cache)
        for kind in {device.type, "cpu"}
        if torch.is_autocast_enabled(kind)
    ]


@contextmanager
def suspended(settings: Settings) -> Iterator[None]:
    """Switches these autocasts off for a while."""
    with ExitStack() as stack:
        for kind, _, _ in settings:
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def resumed(settings: Settings) -> Iterator[None]:
    """Switches them on again, for the closure."""
    with ExitStack() as stack:
        for kind, dtype, cache in settings:
            stack.enter_context(torch.autocast(kind, dtype, cache_enabled=cache))
        yield
