"""The registry: every executor under its name, built-in or from a third-party package."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from sambench.config import one_line
from sambench.errors import UserError, echo, nearest, said
from sambench.executors.executor import Executor
from sambench.registry import Registry

executors: Registry[Executor] = Registry(
    "executor",
    "sambench.executors",
    {name: f"sambench.executors.{name}" for name in ("inline", "local", "ray", "slurm")},
    'an executor one under @executors.register("its_name")',
)
"""Others come by the entry point `sambench.executors`, or by --import."""

register, names, get = executors.register, executors.names, executors.get


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
    return executors.name_of(type(executor))


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
