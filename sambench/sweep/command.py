"""The command of a sweep: W&B's macros, filled in as its agent does."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

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
ENVVAR = re.compile(r"\$\{envvar:([A-Za-z0-9_]*)\}")


def check_macros(word: str) -> str:
    """What is wrong with a word of a command; empty if nothing is. W&B drops unknown macros."""
    rest = ENVVAR.sub("", word)
    for name in re.findall(r"\$\{(.*?)\}", rest):
        if name not in MACROS:
            return f"unknown macro ${{{name}}}, {nearest(name, MACROS)}"
        if rest != f"${{{name}}}":
            return f"${{{name}}} must stand alone, got {word!r}"
    return ""


def expand(
    command: Sequence[Any],
    config: Mapping[str, Any],
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
    words: list[str] = []
    for word in map(str, command):
        words += macros.get(word[2:-1], []) if word[2:-1] in MACROS else [_with_env(word)]
    return words


def _without_booleans(config: Mapping[str, Any]) -> list[str]:
    """A true flag stands alone, a false one is left out."""
    given = {k: v for k, v in config.items() if v is not False}
    return [f"--{k}" if v is True else f"--{k}={v}" for k, v in given.items()]


def _with_env(word: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UserError(f"command: {match[0]}: {match[1]} is not set")
        return os.environ[match[1]]

    return ENVVAR.sub(value, word)
