"""The `parameters` of a sweep: a flat list of what is drawn, and the nested config it makes."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any

from sambench.config import Broken
from sambench.errors import nearest
from sambench.sweeps.distributions import EXPONENTS, KINDS, POSITIVE, inferred
from sambench.sweeps.numbers import is_finite, number, whole

Path = tuple[str, ...]

LISTED = ("constant", "categorical", "categorical_w_probabilities")
"""Kinds whose values are in the file."""

EXTREMES = (2.0**-53, 1 - 2.0**-53)
"""The quantiles between which runs are drawn."""


@dataclass(frozen=True)
class Grid:
    """The values of a parameter, none of which is made before it is asked for."""

    size: int
    at: Callable[[int], Any]


@dataclass(frozen=True)
class Parameter:
    """One value to draw, at its place in the config."""

    path: Path
    kind: str
    keys: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def place(self) -> str:
        """Where the file has it."""
        return ".".join(("parameters", *_place(self.path)))

    def at(self, u: float) -> Any:
        """The value at quantile u in [0, 1]."""
        return KINDS[self.kind].at(self.keys, u)

    def grid(self) -> Grid | None:
        """Every value, None where there is no end of them; q_uniform leaves out max, as W&B's."""
        match self.kind:
            case "constant":
                return Grid(1, lambda i: self.keys["value"])
            case "categorical":
                return Grid(len(self.keys["values"]), lambda i: self.keys["values"][i])
            case "int_uniform":
                low, high = self.keys["min"], self.keys["max"]
                return Grid(high - low + 1, lambda i: low + i)
            case "q_uniform":
                low, high, q = (self.keys[k] for k in ("min", "max", "q"))
                return Grid(math.ceil((high - low) / q), lambda i: low + i * q)
        return None

    def doubt(self) -> str:
        """What W&B's server would warn of; empty if nothing."""
        if self.kind not in EXPONENTS or self.keys["min"] < 0:
            return ""
        low, high = sorted(self.at(u) for u in EXTREMES)
        return (
            f"{self.place}: min and max of {self.kind} are exponents, so it draws from {low:.4g} "
            f"to {high:.4g}; {self.kind}_values takes the limits themselves"
        )


def parse(tables: Mapping[str, Any], at: Path = ()) -> tuple[Parameter, ...]:
    """All parameters, those within parameters too, in W&B's order: by name; Broken if wrong."""
    found = tuple(_parsed(tables, at))
    named = Counter(parameter.name for parameter in found)
    for parameter in found:
        if named[parameter.name] > 1:
            raise Broken("stands twice", *_place(parameter.path))
    return found


def _parsed(tables: Mapping[str, Any], at: Path) -> Iterator[Parameter]:
    if not isinstance(tables, Mapping) or not tables:
        raise Broken("must name at least one parameter", *_place(at))
    for name, keys in sorted(tables.items(), key=lambda item: str(item[0])):
        path = (*at, _named(name, at))
        if not isinstance(keys, Mapping):
            raise Broken(f"must be a table such as {{value: {short(keys)}}}", *_place(path))
        if "parameters" in keys:
            for other in keys:
                if other != "parameters":
                    raise Broken("cannot stand beside parameters", *_place(path), str(other))
            yield from _parsed(keys["parameters"], path)
        else:
            yield _parameter(path, keys)


def _named(name: object, at: Path) -> str:
    """A parameter's name, which W&B takes as it is: also `++optim.lr` or `model/depth`."""
    if isinstance(name, bool) or not isinstance(name, str | int | float):
        raise Broken(f"the name {short(name)} is no text; put it in quotes", *_place(at))
    if not str(name).isprintable() or not str(name).strip():
        raise Broken(f"{short(name)} is no name", *_place(at))
    return str(name)


def _place(path: Path) -> Path:
    """a.b -> a.parameters.b, as the file has it."""
    return tuple(part for name in path for part in ("parameters", name))[1:]


def _parameter(path: Path, keys: Mapping[str, Any]) -> Parameter:
    place = _place(path)
    given = {str(k): _converted(str(k), v) for k, v in keys.items() if k != "distribution"}
    kind = keys.get("distribution", inferred(given))
    if kind is None:
        raise Broken("needs value, values, min and max, or a distribution", *place)
    if not isinstance(kind, str) or kind not in KINDS:
        rule = f"unknown distribution {short(kind)}, {nearest(str(kind)[:60], KINDS)}"
        raise Broken(rule, *place, "distribution")
    known = KINDS[kind]
    for key in given:
        if key not in {*known.required, *known.optional}:
            raise Broken(f"is not a key of {kind}", *place, key)
    for key in known.required:
        if key not in given:
            raise Broken(f"is required by {kind}", *place, key)
    filled = {**known.optional, **given}
    if kind == "int_uniform":
        filled = {key: whole(value) for key, value in filled.items()}
    for key, value in filled.items():
        _check(kind, key, value, place)
    _check_together(kind, filled, place)
    if kind not in LISTED:
        _check_draws(kind, filled, place)
    return Parameter(path, kind, filled)


def _converted(key: str, value: Any) -> Any:
    if key == "probabilities" and isinstance(value, list):
        return [number(one) for one in value]
    return value if key in ("value", "values") else number(value)


def _check(kind: str, key: str, value: Any, place: Path) -> None:
    if key == "value":
        return
    if key in ("values", "probabilities"):
        if not isinstance(value, list) or not value:
            raise Broken(f"must be a list, got {short(value)}", *place, key)
        return
    if not is_finite(value):
        raise Broken(f"must be a number, got {short(value)}", *place, key)
    if kind == "int_uniform" and not isinstance(value, int):
        raise Broken(f"must be a whole number, got {value!r}", *place, key)
    if key == "q" and value <= 0:
        raise Broken(f"must be > 0, got {value}", *place, key)
    if key in ("sigma", "a", "b") and value < 0:
        raise Broken(f"must be >= 0, got {value}", *place, key)


def _check_together(kind: str, keys: Mapping[str, Any], place: Path) -> None:
    if "min" in keys and keys["min"] >= keys["max"]:
        rule = f"must be < max = {short(keys['max'])}, got {short(keys['min'])}"
        raise Broken(rule, *place, "min")
    if kind in POSITIVE and keys["min"] <= 0:
        raise Broken(f"must be > 0 for {kind}, got {keys['min']}", *place, "min")
    if "probabilities" in keys:
        probabilities = keys["probabilities"]
        if len(probabilities) != len(keys["values"]):
            raise Broken("must be as many as values", *place, "probabilities")
        if not all(is_finite(p) and 0 <= p <= 1 for p in probabilities):
            raise Broken("must be numbers from 0 to 1", *place, "probabilities")
        if not math.isclose(sum(probabilities), 1.0, rel_tol=1e-5):
            raise Broken(f"must sum to 1, not {sum(probabilities):g}", *place, "probabilities")


def _check_draws(kind: str, keys: Mapping[str, Any], place: Path) -> None:
    """Broken if some run would draw infinity; quantiles are monotonic, so the ends are enough."""
    for u in EXTREMES:
        try:
            if math.isfinite(KINDS[kind].at(keys, u)):
                continue
        except (OverflowError, ValueError):
            pass
        hint = f"; its min and max are exponents, {kind}_values takes the limits themselves"
        raise Broken(f"{kind} overflows{hint if kind in EXPONENTS else ''}", *place)


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """{("a", "b"): 1} -> {"a": {"b": 1}}."""
    config: dict[str, Any] = {}
    for path, value in values.items():
        table = config
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return config
