"""Weights that a model begins with: timm's own, or those in a file."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import timm
import torch
from torch import Tensor

from sambench.errors import UserError, echo
from sambench.tasks.contents import Contents, fingerprint
from sambench.tasks.images.models import made


class Task(Protocol):
    """The part of `[task]` that concerns weights."""

    @property
    def model(self) -> str: ...
    @property
    def model_args(self) -> Mapping[str, object]: ...
    @property
    def pretrained(self) -> bool | str: ...


SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


def check(task: Task) -> None:
    """UserError for weights that are not there, as far as can be told without a network."""
    given = task.pretrained
    if given is True and not timm.is_model_pretrained(task.model):
        raise UserError(f"task.pretrained: timm has no weights of {task.model}; name a file")
    if isinstance(given, str):
        path = Path(given).expanduser()
        if path.suffix.lower() not in SUFFIXES:
            raise UserError(f"task.pretrained: must be true or a .safetensors or .pth, got {given}")
        if not path.is_file():
            raise UserError(f"task.pretrained: no file {echo(given)}")


def contents(task: Task) -> Contents:
    """The digest of the weights, whose head counts too; nothing where all are random."""
    given = task.pretrained
    if not given:
        return {}
    check(task)
    if given is True:
        return {"pretrained weights": _of_timm(task.model, _Arguments(task.model_args))}
    path = Path(given).expanduser()
    return {"pretrained weights": _of_file(path, path.stat().st_mtime_ns)}


def statistics(task: Task, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, (c,), by which the images of the weights were normalised.

    Of other numbers of channels than theirs each has the mean over theirs.
    """
    asked = timm.get_pretrained_cfg(task.model)
    assert asked is not None
    return _fitted(asked.mean, channels), _fitted(asked.std, channels)


def _fitted(values: tuple[float, ...], channels: int) -> Tensor:
    if len(values) == channels:
        return torch.tensor(values)
    return torch.tensor(values).mean().expand(channels).clone()


class _Arguments(dict[str, Any]):
    """As a key of a cache."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(repr(sorted(self.items())))


@lru_cache(maxsize=2)
def _of_timm(model: str, args: _Arguments) -> str:
    """Wherever timm finds them: in the hub's cache, in torch's, or by a download."""
    with torch.random.fork_rng(devices=[]):
        state = made(model, {"pretrained": True, **args}).state_dict()
    parts = (part for name, own in state.items() for part in (name.encode(), own.numpy().tobytes()))
    return fingerprint(*parts)


@lru_cache(maxsize=2)
def _of_file(path: Path, stamp: int) -> str:
    return fingerprint(path.read_bytes())
