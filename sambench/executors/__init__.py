"""Where runs execute."""

import sys
from multiprocessing import current_process

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

if current_process().name != "MainProcess" and "wandb" not in sys.modules:
    # A worker ends by being killed. timm imports wandb if it can, for a function that nobody calls
    # here, and wandb makes two temporary folders that only an orderly end removes.
    sys.modules["wandb"] = None  # pyright: ignore[reportArgumentType]
    import timm as timm

    del sys.modules["wandb"]
