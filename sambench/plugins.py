"""Code of a user's own: modules that register plug-ins and are no part of sambench.

A file comes in by `--import FILE.py`, from Python by `import` too. Worker processes import what
this one has, and a study remembers which code its runs had.
"""

import ast
import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import socket
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sambench.errors import UserError, nearest, said

OWN = ("sambench", "variants")
"""Packages whose modules are no plug-ins."""

_kinds: list[tuple[MutableMapping[str, Any], str]] = []
"""Registries beside that of the variants, with how their plug-ins are written."""


def add_kind(registry: MutableMapping[str, Any], rule: str) -> None:
    """A further kind of plug-in: its registry, name -> class, and how one is registered."""
    _kinds.append((registry, rule))


@dataclass(frozen=True)
class Plugin:
    """A module that registers something."""

    module: str
    file: Path | None
    """None for what was typed into a session"""
    names: tuple[str, ...]
    """that it registers, of whatever kind"""

    @property
    def told(self) -> str:
        """The name of its file."""
        return self.file.name if self.file else "a session"


def load(files: Iterable[str | Path]) -> None:
    """Imports files, so that what they register is known here; those that are known are left alone.

    UserError, one line, for what cannot be imported or registers nothing.
    """
    for file in map(Path, files):
        with _said_of(file):
            _check(file)
            _import(file.stem.replace(".", "_"), file.resolve())


def load_modules(modules: Iterable[Plugin]) -> None:
    """Imports in a worker what another process knows, be it of another machine.

    UserError, one line, for what this machine has neither as the same file nor by the name.
    """
    for own in modules:
        if own.file is not None and own.file.is_file():
            _import(own.module, own.file)
        elif own.file is not None:
            _import_by_name(own)


def _import_by_name(own: Plugin) -> None:
    try:
        importlib.import_module(own.module)
    except ModuleNotFoundError:
        raise UserError(
            f"{socket.gethostname()} has no {own.file}, which registers {own.names[0]}; "
            "copy it there, or install it as a package"
        ) from None


def known(names: Iterable[str] | None = None) -> tuple[Plugin, ...]:
    """The plug-ins of this process: every one, or those that register one of these names."""
    found: dict[str, list[str]] = {}
    for name, module in _registered().items():
        if module.partition(".")[0] not in OWN:
            found.setdefault(module, []).append(name)
    wanted = None if names is None else set(names)
    return tuple(
        Plugin(module, _file(module), tuple(own))
        for module, own in found.items()
        if wanted is None or wanted.intersection(own)
    )


def code(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Name -> file and digest of the code that registers it; what sambench brings is left out.

    The digest is of what an import executes: work under `if __name__ == "__main__"` may change.
    """
    wanted = set(names)
    return {
        name: {"file": own.told, "digest": _digest(name, own)}
        for own in known(wanted)
        for name in own.names
        if name in wanted
    }


def place(error: BaseException) -> str:
    """The line of a plug-in's own file in which an error arose, "" if in none."""
    files = {own.file for own in known() if own.file}
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve() in files]
    return f"{own[-1].filename}: line {own[-1].lineno}" if own else ""


def is_guarded(file: Path) -> bool:
    """Whether a script may be imported: it works under `if __name__ == "__main__"` only."""
    try:
        return any(map(_is_guard, ast.parse(file.read_bytes()).body))
    except (OSError, SyntaxError, ValueError):
        return False


def _registered() -> Mapping[str, str]:
    """Name -> module of all that is registered."""
    found = {}
    for registry, _ in _kinds:
        found |= {name: cls.__module__ for name, cls in registry.items()}
    if "variants" in sys.modules:  # else torch would be imported, which is slow
        import variants

        found |= {name: variants.info(name).module for name in variants.names()}
    return found


def _check(file: Path) -> None:
    """UserError for a path that is no file of Python's."""
    if file.is_dir():
        raise UserError("is a folder; name a file in it")
    if not file.is_file():
        near = [str(path) for path in file.parent.glob("*.py") if path.is_file()]
        hint = f"; {nearest(str(file), near)}" if near else ""
        raise UserError(f"no such file{hint}")
    if file.suffix != ".py":
        raise UserError("must be a file of Python, NAME.py")


@contextlib.contextmanager
def _said_of(file: Path) -> Iterator[None]:
    """What goes wrong while a file is imported, with its line."""
    try:
        yield
    except UserError as error:
        raise UserError(f"--import {file}: {error}") from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if _same(Path(frame.filename), file)]
        what = "is no Python: " if isinstance(error, SyntaxError | UnicodeDecodeError) else ""
        kind, words = type(error).__name__, said(error)
        if isinstance(error, SyntaxError):
            lines, words = [error.lineno], error.msg
        where = f"{file}: line {lines[-1]}" if lines and lines[-1] else str(file)
        named = what or (f"{kind}: " if words != kind else "")
        raise UserError(f"--import {where}: {named}{words}") from None


def _import(module: str, file: Path) -> None:
    """Executes a file as the module, unless something is registered from it already."""
    if _registers(file):
        if _seen(file) != _read(file):
            raise UserError("has changed since it was imported here; start Python anew")
        return
    from variants.core import registry

    with _all_or_nothing(), registry.all_or_nothing(), contextlib.redirect_stdout(sys.stderr):
        _execute(module, file)
        if not _registers(file):
            rules = ['a variant is a class under @variants.register("its_name")']
            rules += [rule for _, rule in _kinds]
            raise UserError(f"registers nothing; {', '.join(rules)}")
    _seen(file)


@contextlib.contextmanager
def _all_or_nothing() -> Iterator[None]:
    """What registers plug-ins in here and fails leaves none of them."""
    before = [dict(registry) for registry, _ in _kinds]
    try:
        yield
    except BaseException:
        for (registry, _), known in zip(_kinds, before, strict=False):
            registry.clear()
            registry.update(known)
        raise


def _execute(name: str, file: Path) -> None:
    """As the module of this name, or of another if that is taken; it may import its neighbours."""
    if "." in name:  # of a package
        importlib.import_module(name)
        return
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    free = name.isidentifier() and name not in sys.modules
    if not free or not _same(_found(name), file):
        name = f"{name}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _found(name: str) -> Path | None:
    """The file that Python would import under a name."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec and spec.origin else None


def _registers(file: Path) -> bool:
    return any(_same(_file(module), file) for module in set(_registered().values()))


def _file(module: str) -> Path | None:
    """Where a module was read from."""
    origin = getattr(sys.modules.get(module), "__file__", None)
    return Path(origin).resolve() if origin and Path(origin).is_file() else None


def _same(one: Path | None, other: Path) -> bool:
    return one is not None and one.exists() and one.samefile(other)


@cache
def _seen(file: Path) -> bytes:
    """What a file held when it was first asked for."""
    return _read(file)


def _read(file: Path) -> bytes:
    return file.read_bytes()


def _digest(name: str, own: Plugin) -> str:
    """16 hex digits; "" for what has no source."""
    if own.file is None:
        import variants

        try:
            text = inspect.getsource(type(variants.create(name)))
        except (OSError, TypeError):
            return ""
    else:
        text = _imported(_seen(own.file).decode(errors="replace"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _imported(source: str) -> str:
    """The lines that an import executes."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if _is_guard(node):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).rstrip()


def _is_guard(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and ast.unparse(node.test) in ("__name__ == '__main__'", "'__main__' == __name__")
    )
