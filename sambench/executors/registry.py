"""The registry: every executor under its name, built-in or from a third-party package."""

import importlib
import importlib.metadata
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from sambench import plugins
from sambench.config import one_line
from sambench.errors import UserError, echo, nearest, said
from sambench.executors.executor import Executor

E = TypeVar("E", bound=type[Executor])

GROUP = "sambench.executors"
"""Entry points: a name, and the module or class of another package that registers it."""

_BUILT_IN = ("inline", "local", "ray", "slurm")
"""Modules of this room; each is imported when it is asked for."""

_classes: dict[str, type[Executor]] = {}


def register(name: str) -> Callable[[E], E]:
    """Class decorator: makes an executor known as `name`. A taken name is a ValueError."""

    def add(cls: E) -> E:
        if name in _classes:
            taken = _classes[name].__module__
            raise ValueError(f"executor {name!r} is taken, by {taken}; choose another")
        _classes[name] = cls
        return cls

    return add


plugins.add_kind(_classes, 'an executor one under @executors.register("its_name")')


def names() -> tuple[str, ...]:
    """The known names, sorted; what they stand for is imported by `get`."""
    return tuple(sorted({*_BUILT_IN, *_classes, *(entry.name for entry in _entries())}))


def get(name: str) -> type[Executor]:
    """The executor of that name. UserError, one line, for an unknown one or one that fails."""
    if name not in _classes and name in _BUILT_IN:
        importlib.import_module(f"sambench.executors.{name}")
    for entry in _entries() if name not in _classes else ():
        if entry.name == name:
            _load(entry)
    if name not in _classes:
        raise UserError(f"unknown executor {echo(name)}, {nearest(name, names())}")
    return _classes[name]


def chosen(on: str | Path | Executor, workers: int | None = None) -> Executor:
    """What --on means: a name, a TOML file with an executor's settings, or one that is set up.

    workers: runs at a time, instead of what the file says
    UserError, one line.
    """
    if isinstance(on, Executor):
        found, settings, origin = type(on), on.model_dump(), "on"
    elif Path(on).suffix == ".toml":
        settings, origin = _read(Path(on)), f"--on {on}"
        named = settings.pop("executor", None)
        if not isinstance(named, str):
            raise UserError(f"{origin}: executor: is required, one of {', '.join(names())}")
        found = _named(named, f"{origin}: executor")
    else:
        found, settings, origin = _named(str(on), "--on"), {}, f"--on {on}"
    if workers is not None:
        if workers < 1:
            raise UserError(f"--workers must be >= 1, got {workers}")
        settings["workers"] = workers
    try:
        return found.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"{origin}: {one_line(error)}") from None


def name_of(executor: Executor) -> str:
    """The name under which its class is registered."""
    return next(name for name, cls in _classes.items() if cls is type(executor))


def _named(name: str, place: str) -> type[Executor]:
    try:
        return get(name)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        near = [str(other) for other in sorted(path.parent.glob("*.toml"))]
        hint = f", {nearest(str(path), near)}" if near else ""
        raise UserError(f"--on: no such file {echo(str(path))}{hint}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"--on {path}: {said(error)}") from None


def _entries() -> list[importlib.metadata.EntryPoint]:
    return sorted(importlib.metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.value))


def _load(entry: importlib.metadata.EntryPoint) -> None:
    """Imports one; UserError with the package's name where it fails."""
    package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    try:
        entry.load()
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise UserError(f"executor {entry.name!r}{package}: {kind}: {said(error)}") from None
    if entry.name not in _classes:
        raise UserError(f"executor {entry.name!r}{package}: {entry.value} registers none")
