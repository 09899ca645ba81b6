"""Other programs, asked with patience that ends."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Answer(NamedTuple):
    code: int | None
    """None: it gave none in time, or could not be started"""
    out: str
    err: str


def ask(
    command: Sequence[str], within_s: float, environment: Mapping[str, str] | None = None
) -> Answer:
    """What a program says; it is killed where it takes longer."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within_s,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(None, "", str(error) if isinstance(error, OSError) else "no answer in time")
    return Answer(done.returncode, done.stdout, done.stderr)


def python(
    program: str, *arguments: str, within_s: float, environment: Mapping[str, str] | None = None
) -> Answer:
    """A program in this Python, in a process of its own: what it imports may crash or hang."""
    return ask([sys.executable, "-c", program, *arguments], within_s, environment)


def last_line(text: str) -> str:
    """Of an error: the line that says what is wrong."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
