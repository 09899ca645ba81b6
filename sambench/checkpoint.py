"""A run's checkpoint: one file, replaced as a whole."""

from pathlib import Path
from typing import Any

import torch

from sambench.files import replacing

NAME = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    with replacing(folder / NAME) as file:
        torch.save(state, file)


def load(folder: Path, device: str) -> dict[str, Any] | None:
    """The stored state with its tensors on `device`, or None if the run starts afresh."""
    path = folder / NAME
    return torch.load(path, map_location=device, weights_only=True) if path.exists() else None


def remove(folder: Path) -> None:
    (folder / NAME).unlink(missing_ok=True)
