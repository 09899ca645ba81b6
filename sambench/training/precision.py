"""Number formats: autocast with its loss scale, and TF32."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from sambench.config import Train

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(train: Train, device: torch.device) -> AbstractContextManager[object]:
    """For a forward pass, in training and in evaluation."""
    if train.amp == "none":
        return nullcontext()
    return torch.autocast(device.type, DTYPES[train.amp])


def scaler(train: Train, device: torch.device) -> torch.amp.GradScaler | None:
    """float16's small range needs one; bfloat16 has float32's range."""
    return torch.amp.GradScaler(device.type) if train.amp == "fp16" else None


@contextmanager
def tf32(allowed: bool | None) -> Iterator[None]:
    """Lets tensor cores round the factors of float32 products for a while; None: torch's choice."""
    if allowed is None:
        yield
        return
    convolution = torch.backends.cudnn.conv  # pyright: ignore[reportAttributeAccessIssue]
    units = (torch.backends.cuda.matmul, convolution)
    before = [unit.fp32_precision for unit in units]
    try:
        for unit in units:
            unit.fp32_precision = "tf32" if allowed else "ieee"
        yield
    finally:
        for unit, value in zip(units, before, strict=True):
            unit.fp32_precision = value
