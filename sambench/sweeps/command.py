"""The command of a sweep: W&B's macros, filled in as its agent does."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches as similar
from pathlib import Path
from reprlib import repr as short
from shutil import which

from sambench.errors import UserError, nearest

DEFAULT = ["${env}", "${interpreter}", "${program}", "${args}"]
MACROS = (
    "env",
    "interpreter",
    "program",
    "args",
    "args_no_equals",
    "args_no_hyphens",
    "args_no_boolean_flags",
    "args_json",
    "args_json_file",
    "args_append_hydra",
    "args_override_hydra",
)
ENVVAR = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")
SCRIPT = ["${interpreter}", "${program}"]


def check_macros(word: str) -> str:
    """What is wrong with a word of a command; empty if nothing is.

    What is no macro of W&B's passes through: others interpolate, too, as Hydra does ${now:%Y}.
    """
    for name in re.findall(r"\$\{(.*?)\}", word):
        if name in MACROS and word != f"${{{name}}}":
            return f"${{{name}}} must stand alone, got {short(word)}"
        if word == f"${{{name}}}" and name not in MACROS and similar(name, MACROS, cutoff=0.7):
            return f"unknown macro {short(word)}, {nearest(name, MACROS)}"
    return ""


def check_startable(command: Sequence[object], program: str | None) -> None:
    """UserError where every run would fail: no such program, or a variable that is not set."""
    words = [word for word in map(str, command) if word != "${env}"]
    for word in words:
        _with_env(word)
    first = expand(words[:1], {}, program=program)
    if words[:2] == SCRIPT and program is not None and not _is_script(Path(program)):
        raise UserError(f"program: no such script: {short(program)}")
    if first and "=" not in first[0] and not first[0].startswith("-") and not which(first[0]):
        raise UserError(f"command: {short(first[0])} is no program that can be started")


def _is_script(path: Path) -> bool:
    """What Python runs: a file, or a folder or archive with __main__.py."""
    return path.is_file() or (path / "__main__.py").is_file()


def expand(
    command: Sequence[object],
    config: Mapping[str, object],
    *,
    program: str | None = None,
    json_file: str = "",
) -> list[str]:
    """The command line of one run.

    Unlike the agent's, ${interpreter} is the Python that runs this, not the first one on PATH.
    """
    flags = {name: f"{name}={value}" for name, value in config.items()}
    macros = {
        "env": ["/usr/bin/env"],
        "interpreter": [sys.executable],
        "program": [program or ""],
        "args": [f"--{flag}" for flag in flags.values()],
        "args_no_equals": [word for k, v in config.items() for word in (f"--{k}", str(v))],
        "args_no_hyphens": list(flags.values()),
        "args_no_boolean_flags": _without_booleans(config),
        "args_json": [json.dumps(config)],
        "args_json_file": [json_file],
        "args_append_hydra": [f"+{flag}" for flag in flags.values()],
        "args_override_hydra": [f"++{flag}" for flag in flags.values()],
    }
    filled = {f"${{{name}}}": words for name, words in macros.items()}
    words: list[str] = []
    for word in map(str, command):
        words += filled[word] if word in filled else [_with_env(word)]
    return words


def _without_booleans(config: Mapping[str, object]) -> list[str]:
    """A true flag stands alone, a false one is left out."""
    given = {k: v for k, v in config.items() if v is not False}
    return [f"--{k}" if v is True else f"--{k}={v}" for k, v in given.items()]


def _with_env(word: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UserError(f"command: ${{envvar:...}}: {match[1][:60]} is not set")
        return os.environ[match[1]]

    return ENVVAR.sub(value, word)
