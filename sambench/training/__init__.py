"""One run, from settings to outcome."""

import sys
from multiprocessing import current_process

if current_process().name != "MainProcess" and "wandb" not in sys.modules:
    # A worker ends by being killed. timm imports wandb if it can, for a function that nobody calls
    # here, and wandb makes two temporary folders that only an orderly end removes.
    sys.modules["wandb"] = None  # pyright: ignore[reportArgumentType]
    import timm as timm

    del sys.modules["wandb"]
