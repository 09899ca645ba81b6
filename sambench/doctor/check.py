"""What a check is: a small function that looks at one thing, and never for longer than it may."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from sambench.errors import hidden, said

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Asked:
    """What the caller means to use."""

    root: Path
    storage: str | None = None
    """the URL of a database"""
    on: str | None = None
    """an executor: a name, or a file with its settings"""


class Finding(NamedTuple):
    """What a check has found, in a line; a problem has a remedy."""

    state: State
    said: str
    remedy: str = ""


class Check(NamedTuple):
    name: str
    within_s: float
    look: Callable[[Asked], Finding]


class Examined(NamedTuple):
    """A check and its finding."""

    name: str
    state: State
    said: str
    remedy: str


def ok(line: str) -> Finding:
    return Finding("ok", line)


def warning(line: str, remedy: str) -> Finding:
    return Finding("warning", line, remedy)


def problem(line: str, remedy: str) -> Finding:
    return Finding("problem", line, remedy)


def examine(checks: Iterable[Check], asked: Asked) -> Iterator[Examined]:
    """One after the other; a check that fails or hangs is a problem, and the next one follows."""
    for check in checks:
        state, line, remedy = _within(check, asked)
        yield Examined(check.name, state, hidden(line), hidden(remedy))


def _within(check: Check, asked: Asked) -> Finding:
    """In a thread that is left behind if it hangs."""
    found: list[Finding] = []

    def look() -> None:
        try:
            found.append(check.look(asked))
        except Exception as error:
            line = f"could not be checked: {type(error).__name__}: {said(error)}"
            found.append(problem(line, f"report it, with the output of: {sys.executable} -VV"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(check.within_s)
    if found:
        return found[0]
    return problem(
        f"gave no answer within {check.within_s:.0f} s", "see what it waits for: disk, network, GPU"
    )
