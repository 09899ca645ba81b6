"""Imports of workers, which end by being killed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_wandb() -> Iterator[None]:
    """timm imports wandb if it can, for a function that nobody calls here, and wandb makes two
    temporary folders that only an orderly end removes."""
    sys.modules["wandb"] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules["wandb"]
