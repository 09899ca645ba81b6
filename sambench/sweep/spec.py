"""A W&B sweep file: what it may say, checked key by key."""

import math
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from sambench.config.table import Broken, Table, one_line
from sambench.errors import UserError
from sambench.sweep import parameters as parameters_
from sambench.sweep.command import DEFAULT, check_macros
from sambench.sweep.parameters import Parameter

UNSUPPORTED = {
    "controller": "there is no server to control",
    "image_uri": "W&B Launch needs a server",
    "job": "W&B Launch needs a server",
    "metrics": "one metric only",
    "scheduler": "Optuna searches already; use method",
}
"""Keys of W&B's schema that mean nothing without a server, and why."""

MOST_BANDS = 100  # W&B's own limit


class Metric(Table):
    """What to optimize, as the program logs it."""

    name: Annotated[str, Field(min_length=1)]
    goal: Literal["minimize", "maximize"] = "minimize"
    target: float | None = None
    """the sweep ends once a run is as good as this"""
    impute: Literal["worst", "best", "latest"] = "worst"
    """what a failed run counts as, in bayes"""

    @model_validator(mode="before")
    @classmethod
    def _waits_for_runs(cls, data: Any) -> Any:
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
    max_iter: Annotated[int, Field(ge=1)] | None = None
    min_iter: Annotated[int, Field(ge=1)] | None = None
    s: Annotated[float, Field(ge=1)] | None = None
    eta: Annotated[float, Field(gt=1)] = 3.0
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
            down = [self.max_iter / self.eta ** (i + 1) for i in range(int(self.s or 0))]
            return sorted(int(band) for band in down if band >= 1)
        return [int((self.min_iter or 1) * self.eta**i) for i in range(MOST_BANDS)]


class Sweep(Table):
    """A sweep file."""

    method: Literal["grid", "random", "bayes"]
    parameters: dict[str, Any]
    program: str | None = None
    command: list[str | int | float] = Field(default_factory=lambda: [*DEFAULT])
    metric: Metric | None = None
    early_terminate: Hyperband | None = None
    run_cap: Annotated[int, Field(ge=1)] | None = None
    name: str | None = None
    description: str = ""
    project: str | None = None
    entity: str | None = None
    apiVersion: str | None = None
    kind: Literal["sweep"] = "sweep"

    @model_validator(mode="before")
    @classmethod
    def _supported(cls, data: Any) -> Any:
        for key in data if isinstance(data, Mapping) else ():
            if key in UNSUPPORTED:
                raise Broken(f"not supported without a server: {UNSUPPORTED[key]}", key)
        return data

    @field_validator("parameters")
    @classmethod
    def _drawable(cls, tables: dict[str, Any]) -> dict[str, Any]:
        parameters_.parse(tables)
        return tables

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for i, word in enumerate(self.command):
            if rule := check_macros(str(word)):
                raise Broken(rule, f"command[{i}]")
        if self.program is None and "${program}" in self.command:
            raise Broken("is required by ${program}", "program")
        for user, needed in (("method: bayes", self.method == "bayes"),
                             ("early_terminate", self.early_terminate)):  # fmt: skip
            if needed and self.metric is None:
                raise Broken(f"is required by {user}", "metric")
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
        size = math.prod(len(parameter.grid() or ()) for parameter in self.drawn)
        return min(size, self.run_cap or size)


def folder_name(sweep: Sweep, path: Path) -> str:
    """Where a local sweep keeps its runs: its name, else that of its file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", sweep.name or path.stem).strip("-.") or "sweep"


def load(path: Path) -> Sweep:
    """The sweep in a YAML file; UserError, one line, if anything is wrong."""
    return parse(read(path), str(path))


def read(path: Path) -> dict[str, Any]:
    """The file's tables, unchecked."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: not a sweep file: method and parameters are required")
    return data


def parse(data: Mapping[str, Any], source: str = "sweep") -> Sweep:
    try:
        return Sweep.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{source}: {one_line(error)}") from None
