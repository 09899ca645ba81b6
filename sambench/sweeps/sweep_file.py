"""A W&B sweep file: what it may say, checked key by key."""

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches as similar
from functools import cached_property
from pathlib import Path
from reprlib import repr as short
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from sambench.config import Broken, Table, one_line
from sambench.errors import UserError
from sambench.sweeps import parameters as parameters_
from sambench.sweeps.command import DEFAULT, check_macros
from sambench.sweeps.numbers import MOST, Number, Whole
from sambench.sweeps.parameters import Parameter
from sambench.sweeps.safe_yaml import clipped, read

UNSUPPORTED = {
    "image_uri": "W&B Launch needs a server",
    "job": "W&B Launch needs a server",
    "metrics": "one metric only",
    "scheduler": "Optuna searches already; use method",
}
"""Keys of W&B's schema that mean nothing without a server, and why."""

MOST_BANDS = 100  # W&B's own limit
MOST_LETTERS = 100  # of a folder's name
MANY = 100_000  # runs

Say = Callable[[str], None]


def _word(value: object) -> object:
    """3 -> "3": YAML cannot know that a name is text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Word = Annotated[str, BeforeValidator(_word)]


class Metric(Table):
    """What to optimize, as the program logs it."""

    name: Annotated[str, Field(min_length=1)]
    goal: Literal["minimize", "maximize"] = "minimize"
    target: Number | None = None
    """the sweep ends once a run is as good as this"""
    impute: Literal["worst", "best", "latest"] = "worst"
    """what a failed run counts as, in bayes"""

    @model_validator(mode="before")
    @classmethod
    def _waits_for_runs(cls, data: object) -> object:
        """`impute_while_running: false`, the default, is all that is done."""
        if isinstance(data, Mapping) and "impute_while_running" in data:
            value = data["impute_while_running"]
            if value not in (False, "false"):
                raise Broken(f"only false is supported, got {value!r}", "impute_while_running")
            return {k: v for k, v in data.items() if k != "impute_while_running"}
        return data

    @property
    def sign(self) -> int:
        """Times this, less is better."""
        return -1 if self.goal == "maximize" else 1


class Hyperband(Table):
    """Stops runs that are not among the best 1/eta when they reach a band."""

    type: Literal["hyperband"]
    max_iter: Whole | None = None
    min_iter: Whole | None = None
    s: Annotated[Number, Field(ge=1, le=MOST_BANDS)] | None = None
    eta: Annotated[Number, Field(gt=1)] = 3.0
    strict: bool = True
    """W&B's documentation says false, its engine's schema says true: so do we"""

    @model_validator(mode="after")
    def _has_bands(self) -> Self:
        if self.max_iter is None and self.min_iter is None:
            raise Broken("is required, or max_iter with s", "min_iter")
        if self.max_iter is not None and self.s is None:
            raise Broken("is required beside max_iter", "s")
        if not self.bands:
            raise Broken(f"leaves no band with eta = {self.eta:g}; raise it", "max_iter")
        return self

    @property
    def bands(self) -> list[int]:
        """How many logged values of the metric a run has when it is judged.

        min_iter * eta^i, or max_iter / eta^i for i = 1..s
        """
        if self.max_iter is not None:
            return sorted(self._down(self.max_iter))
        return [*self._up(self.min_iter or 1)]

    def _down(self, band: float) -> Iterator[int]:
        for _ in range(int(self.s or 0)):
            band /= self.eta
            if band < 1:
                return
            yield int(band)

    def _up(self, band: float) -> Iterator[int]:
        for _ in range(MOST_BANDS):
            if band > MOST:  # no run logs as much
                return
            yield int(band)
            band *= self.eta


class ControllerTable(Table):
    """Who decides on runs; whatever the file says, that is us."""

    type: Literal["local", "cloud"]


class Sweep(Table):
    """A sweep file."""

    method: Literal["grid", "random", "bayes"]
    parameters: dict[object, object]
    program: Word | None = None
    command: list[object] = Field(default_factory=lambda: [*DEFAULT])
    metric: Metric | None = None
    early_terminate: Hyperband | None = None
    run_cap: Whole | None = None
    name: Word | None = None
    description: Word = ""
    project: Word | None = None
    entity: Word | None = None
    apiVersion: Word | None = None
    kind: Literal["sweep"] = "sweep"
    controller: ControllerTable | None = None

    @model_validator(mode="before")
    @classmethod
    def _supported(cls, data: object) -> object:
        for key in data if isinstance(data, Mapping) else ():
            if key in UNSUPPORTED:
                raise Broken(f"not supported without a server: {UNSUPPORTED[key]}", key)
        return data

    @field_validator("parameters")
    @classmethod
    def _drawable(cls, tables: dict[object, object]) -> dict[object, object]:
        parameters_.parse(tables)
        return tables

    @field_validator("command")
    @classmethod
    def _words(cls, command: list[object]) -> list[object]:
        """An empty one is W&B's default."""
        for i, word in enumerate(command):
            if isinstance(word, list | dict):
                raise Broken(f"must be a word, got {short(word)}", i)
            if rule := check_macros(str(word)):
                raise Broken(rule, i)
        return command or [*DEFAULT]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.program is None and self.command == DEFAULT:
            rule = "is missing, as in files for wandb.agent(function=...); "
            raise Broken(rule + "add program: train.py, or a command", "program")
        if self.program is None and "${program}" in self.command:
            raise Broken("is required by ${program}", "program")
        if self.metric is None and self.method == "bayes":
            raise Broken("is required by method: bayes", "metric")
        if self.metric is None and self.early_terminate is not None:
            raise Broken("is required by early_terminate", "metric")
        if self.method == "grid":
            for parameter in self.drawn:
                if parameter.grid() is None:
                    rule = f"a grid has no end with {parameter.kind}; list values"
                    raise Broken(rule, "parameters", *parameter.path)
        return self

    @cached_property
    def drawn(self) -> tuple[Parameter, ...]:
        return parameters_.parse(self.parameters)

    @property
    def num_configs(self) -> int | None:
        """How many runs the sweep has, None if there is no end."""
        if self.method != "grid":
            return self.run_cap
        grids = (parameter.grid() for parameter in self.drawn)
        size = math.prod(grid.size for grid in grids if grid)
        return min(size, self.run_cap or size)

    def doubts(self) -> list[str]:
        """What may not be meant, a line each."""
        found = [doubt for parameter in self.drawn if (doubt := parameter.doubt())]
        if self.controller and self.controller.type == "cloud":
            found.append("controller.type: cloud: without a server, the controller is here")
        if self.method == "grid" and (num := self.num_configs or 0) > MANY:
            runs = f"about 10^{math.log10(num):.0f} runs"
            found.append(f"parameters: a grid of {runs}; run_cap or --count limits them")
        return found


KNOWN: Mapping[str, Collection[str]] = {
    "": {*Sweep.model_fields, *UNSUPPORTED},
    "controller": ControllerTable.model_fields,
    "early_terminate": Hyperband.model_fields,
    "metric": {*Metric.model_fields, "impute_while_running"},
}
"""The keys of each table; W&B's server leaves out others, and warns."""


def folder_name(sweep: Sweep, path: Path) -> str:
    """Where a local sweep keeps its runs: its name, else that of its file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", sweep.name or path.stem).strip("-.") or "sweep"
    if len(name) <= MOST_LETTERS:
        return name
    return f"{name[:MOST_LETTERS]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def load(path: Path, say: Say = lambda line: None) -> Sweep:
    """The sweep in a YAML file; UserError, one line, if anything is wrong.

    say: told a line for everything that W&B's server would warn of
    """
    data, repeated = read(path)
    sweep = parse(data, str(path), say)
    for line in repeated:
        say(f"{path}: {line}")
    return sweep


def parse(data: Mapping[str, object], source: str = "sweep", say: Say = lambda line: None) -> Sweep:
    """The sweep in plain tables; `source` stands in messages."""
    known, unknown = _known(data)
    for required in ("method", "parameters"):
        if required not in known and (close := similar(required, unknown, n=1)):
            raise UserError(f"{source}: {close[0]}: unknown key, did you mean {required}?")
    try:
        sweep = Sweep.model_validate(known)
    except ValidationError as error:
        raise UserError(clipped(f"{source}: {one_line(error)}")) from None
    for line in (*unknown.values(), *sweep.doubts()):
        say(clipped(f"{source}: {line}"))
    return sweep


def _known(tables: Mapping[str, object], at: str = "") -> tuple[dict[str, object], dict[str, str]]:
    """The keys that mean something, null being the same as no key; a doubt for each other key."""
    known: dict[str, object] = {}
    unknown: dict[str, str] = {}
    for key, value in tables.items():
        if key not in KNOWN[at]:
            name = f"{at}.{key}" if at else str(key)
            close = similar(str(key), KNOWN[at], n=1, cutoff=0.75)
            hint = f"; did you mean {close[0]}?" if close else ""
            unknown[name] = f"{name}: unknown key, left out as W&B does{hint}"
        elif key in KNOWN and isinstance(value, Mapping):
            known[key], more = _known(value, key)
            unknown |= more
        elif value is not None:
            known[key] = value
    return known, unknown
