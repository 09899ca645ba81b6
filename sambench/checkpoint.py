"""A run's checkpoint: one file, replaced as a whole."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from sambench.errors import UserError
from sambench.files import replacing

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)  # into a file, it would report a full disk as a RuntimeError
    with replacing(folder / NAME) as file:
        file.write(buffer.getbuffer())


def load(folder: Path, device: str) -> dict[str, Any] | None:
    """The stored state with its tensors on `device`, or None if the run starts afresh.

    UserError if the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        raise UserError(f"{path} is damaged; remove it, and its run starts afresh") from None


def remove(folder: Path) -> None:
    """With the halves of files that killed processes were writing."""
    for path in (folder / NAME, *folder.glob(f".{NAME}.*")):
        path.unlink(missing_ok=True)
