"""Plug-ins of one kind by name: of this project, of other packages, of a user's own file."""

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, cast

from sambench import plugins
from sambench.errors import UserError, echo, nearest, said

T = TypeVar("T")
C = TypeVar("C", bound=type)


class Registry(Generic[T]):
    """Classes of one kind; what is not asked for is not imported.

    kind: the word for one of them, "executor"
    group: entry points that name a module or class of another package which registers one
    built_in: name -> module of this project's own
    """

    def __init__(self, kind: str, group: str, built_in: Mapping[str, str], rule: str) -> None:
        self.kind, self.group, self._built_in = kind, group, built_in
        self._classes: dict[str, type[T]] = {}
        plugins.add_kind(self._classes, rule)

    def register(self, name: str) -> Callable[[C], C]:
        """Class decorator: makes a class known as `name`. A taken name is a ValueError."""

        def add(cls: C) -> C:
            if name in self._classes:
                taken = self._classes[name].__module__
                raise ValueError(f"{self.kind} {name!r} is taken, by {taken}; choose another")
            self._classes[name] = cast("type[T]", cls)
            return cls

        return add

    def names(self) -> tuple[str, ...]:
        """The known names, sorted; what they stand for is imported by `get`."""
        entries = (entry.name for entry in self._entries())
        return tuple(sorted({*self._built_in, *self._classes, *entries}))

    def get(self, name: str) -> type[T]:
        """The class of that name. UserError, one line, for an unknown one or one that fails."""
        if name not in self._classes and name in self._built_in:
            importlib.import_module(self._built_in[name])
        for entry in self._entries() if name not in self._classes else ():
            if entry.name == name:
                self._load(entry)
        if name not in self._classes:
            raise UserError(f"unknown {self.kind} {echo(name)}, {nearest(name, self.names())}")
        return self._classes[name]

    def name_of(self, cls: type[T]) -> str:
        """The name under which a class is registered; "" if it is not."""
        return next((name for name, known in self._classes.items() if known is cls), "")

    def _entries(self) -> list[importlib.metadata.EntryPoint]:
        found = importlib.metadata.entry_points(group=self.group)
        return sorted(found, key=lambda entry: (entry.name, entry.value))

    def _load(self, entry: importlib.metadata.EntryPoint) -> None:
        package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
        what = f"{self.kind} {entry.name!r}{package}"
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            kind = type(error).__name__
            raise UserError(f"{what}: {kind}: {said(error)}") from None
        if entry.name not in self._classes:
            raise UserError(f"{what}: {entry.value} registers none")
