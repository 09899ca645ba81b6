"""What tells a caller's function from another: its name, and the code that it runs."""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from textwrap import dedent
from types import ModuleType

Plain = bool | int | float | str | None


def named(function: Callable[..., object]) -> str:
    """Module and name; of an object that is called, those of its class."""
    own = function if hasattr(function, "__qualname__") else type(function)
    return f"{own.__module__}.{own.__qualname__}"


def digest(function: Callable[..., object]) -> str:
    """Of the function, and of the functions, classes and constants of its module that it uses.

    Comments and layout do not count. What has no source, such as a line typed into an interpreter,
    counts by its name.
    """
    found = {function.__qualname__: _code(function)}
    module = inspect.getmodule(function)
    waiting = [function]
    while waiting and module is not None:
        for name, part in _used(waiting.pop(), module):
            if name not in found:
                found[name] = repr(part) if isinstance(part, Plain | tuple) else _code(part)
                if callable(part):
                    waiting.append(part)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


def _used(part: Callable[..., object], module: ModuleType) -> Iterator[tuple[str, object]]:
    """What it mentions of its own module."""
    known: Mapping[str, object] = vars(module)
    for node in ast.walk(_tree(part)):
        if isinstance(node, ast.Name) and node.id in known:
            found = known[node.id]
            ours = getattr(found, "__module__", "") == module.__name__
            if (ours and (inspect.isfunction(found) or inspect.isclass(found))) or _constant(found):
                yield node.id, found


def _constant(found: object) -> bool:
    return isinstance(found, Plain) or (isinstance(found, tuple) and all(map(_constant, found)))


def _code(part: object) -> str:
    return ast.dump(_tree(part))


def _tree(part: object) -> ast.AST:
    try:
        return ast.parse(dedent(inspect.getsource(part)))  # pyright: ignore[reportArgumentType]
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])
