"""A run's checkpoint: one file, replaced as a whole, that begins with the digest of the rest."""

import io
import os
import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from sambench.files import digest, replacing

NAME = "checkpoint.pt"


def save(folder: Path, state: Mapping[str, object]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)  # into a file, it would report a full disk as a RuntimeError
    with replacing(folder / NAME) as file:
        content = buffer.getbuffer()
        file.write(digest(content))
        file.write(content)


def load(folder: Path, device: str) -> dict[str, Any] | None:
    """The stored state with its tensors on `device`, or None if the run starts afresh.

    It does so, with a line on standard error, if the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    content = memoryview(path.read_bytes())
    size = len(digest(b""))
    try:
        if content[:size] == digest(content[size:]):
            return torch.load(io.BytesIO(content[size:]), map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError):  # of another version of torch
        pass
    print(f"sambench: {path} is damaged; its run starts from the beginning", file=sys.stderr)
    return None


def remove(folder: Path) -> None:
    """With the halves of files that killed processes were writing."""
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name == NAME or name.startswith(f".{NAME}."):
                (folder / name).unlink(missing_ok=True)
