"""What worker processes import in tests: small models, and jobs that behave badly."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[dict[str, float]], bool]


def linear(channels: int, classes: int) -> Any:
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, classes))


def dropout(channels: int, classes: int) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(channels, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 36, classes),
    )


def focal(logits: Any, labels: Any) -> Any:
    from torch.nn import functional as F

    losses = F.cross_entropy(logits, labels, reduction="none")
    return losses * (1 - (-losses).exp()) ** 2


def prepare(device: int, threads: int) -> None:
    os.environ["DEVICE"] = str(device)


def lost(payload: Any, reason: str) -> str:
    return f"lost: {reason}"


def parent(job: Any, report: Any) -> int:
    """The process that this one was forked from."""
    return os.getppid()


def square(payload: int, report: Report) -> tuple[int, int, str]:
    time.sleep(0.2)  # long enough for a second worker to take the next job
    return payload**2, os.getpid(), os.environ["DEVICE"]


def until_told(payload: int, report: Report) -> int:
    """Counts epochs until the parent says stop."""
    for epoch in range(1, 100):
        if report({"epoch": epoch, "pid": os.getpid()}):
            return epoch
    return 0


def sleeps(payload: str, report: Report) -> None:
    Path(payload).write_text(str(os.getpid()))
    time.sleep(600)


def imported(ours: object, payload: object, report: Report) -> list[str]:
    """Which of these come with something of ours, before the process's work begins."""
    return [name for name in ("timm", "wandb") if name in sys.modules]


def of_both(channels: int, classes: int) -> Any:
    """A model without BatchNorm whose processes write their numbers into the folder PIDS."""
    pids = Path(os.environ["PIDS"])
    (pids / str(os.getpid())).touch()
    return linear(channels, classes)


def fails_in_one(logits: Any, labels: Any) -> Any:
    if os.environ.get("RANK") == "1":
        raise ValueError("only here")
    return focal(logits, labels)


def fails_in_workers(logits: Any, labels: Any) -> Any:
    if multiprocessing.parent_process() is not None:
        raise ValueError("only here")
    return focal(logits, labels)


def needs_memory(logits: Any, labels: Any) -> Any:
    import torch

    if len(labels) > 15 and logits.requires_grad:
        raise torch.OutOfMemoryError("CUDA out of memory")
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")
