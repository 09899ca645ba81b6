"""What every local worker needs, imported once by the server that all of them are forked from.

A worker ends by being killed. timm imports wandb if it can, for a function that nobody calls here,
and wandb makes two temporary folders that only an orderly end removes.
"""

import sys

sys.modules["wandb"] = None  # pyright: ignore[reportArgumentType]
import timm as timm  # noqa: E402

del sys.modules["wandb"]

from sambench.executors import assignment as assignment  # noqa: E402
