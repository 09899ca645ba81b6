"""The `parameters` of a sweep: a flat list of what is drawn, and the nested config it makes."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sambench.config.table import Broken
from sambench.errors import nearest
from sambench.sweep.distributions import KINDS, POSITIVE, inferred

NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]*$")
Path = tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """One value to draw, at its place in the config."""

    path: Path
    kind: str
    keys: Mapping[str, Any]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def at(self, u: float) -> Any:
        """The value at quantile u in [0, 1]."""
        return KINDS[self.kind].at(self.keys, u)

    def grid(self) -> list[Any] | None:
        """Every value, None where there is no end of them; q_uniform leaves out max, as W&B's."""
        match self.kind:
            case "constant":
                return [self.keys["value"]]
            case "categorical":
                return list(self.keys["values"])
            case "int_uniform":
                return list(range(self.keys["min"], self.keys["max"] + 1))
            case "q_uniform":
                low, high, q = (self.keys[k] for k in ("min", "max", "q"))
                return [low + i * q for i in range(math.ceil((high - low) / q))]
        return None


def parse(tables: Mapping[str, Any], at: Path = ()) -> tuple[Parameter, ...]:
    """All parameters, those within parameters too, in W&B's order: by name; Broken if wrong."""
    return tuple(_parsed(tables, at))


def _parsed(tables: Mapping[str, Any], at: Path) -> Iterator[Parameter]:
    if not isinstance(tables, Mapping) or not tables:
        raise Broken("must name at least one parameter", *_place(at))
    for name, keys in sorted(tables.items(), key=lambda item: str(item[0])):
        path = (*at, str(name))
        if not NAME.match(str(name)):
            raise Broken("must be letters, digits, . _ - and start with a letter", *_place(path))
        if not isinstance(keys, Mapping):
            raise Broken(f"must be a table such as {{value: {keys}}}", *_place(path))
        if "parameters" in keys:
            for other in keys:
                if other != "parameters":
                    raise Broken("cannot stand beside parameters", *_place(path), str(other))
            yield from _parsed(keys["parameters"], path)
        else:
            yield _parameter(path, keys)


def _place(path: Path) -> Path:
    """a.b -> a.parameters.b, as the file has it."""
    return tuple(part for name in path for part in ("parameters", name))[1:]


def _parameter(path: Path, keys: Mapping[str, Any]) -> Parameter:
    kind = keys.get("distribution", inferred(keys))
    if kind is None:
        raise Broken("needs value, values, min and max, or a distribution", *_place(path))
    if kind not in KINDS:
        rule = f"unknown distribution {kind!r}, {nearest(str(kind), KINDS)}"
        raise Broken(rule, *_place(path), "distribution")
    known = KINDS[kind]
    for key in keys:
        if key not in {"distribution", *known.required, *known.optional}:
            raise Broken(f"is not a key of {kind}", *_place(path), str(key))
    for key in known.required:
        if key not in keys:
            raise Broken(f"is required by {kind}", *_place(path), key)
    given = {k: v for k, v in keys.items() if k != "distribution"}
    filled = {**known.optional, **given}
    for key, value in filled.items():
        _check(kind, key, value, _place(path))
    _check_together(kind, filled, _place(path))
    return Parameter(path, kind, filled)


def _check(kind: str, key: str, value: Any, place: Path) -> None:
    if key == "value":
        return
    if key in ("values", "probabilities"):
        if not isinstance(value, list) or not value:
            raise Broken(f"must be a list, got {value!r}", *place, key)
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Broken(f"must be a number, got {value!r}{_spelling(value)}", *place, key)
    if kind == "int_uniform" and not isinstance(value, int):
        raise Broken(f"must be a whole number, got {value!r}", *place, key)
    if key == "q" and value <= 0:
        raise Broken(f"must be > 0, got {value}", *place, key)
    if key in ("sigma", "a", "b") and value < 0:
        raise Broken(f"must be >= 0, got {value}", *place, key)


def _spelling(value: Any) -> str:
    """YAML reads 1e-3 as text."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+e[+-]?\d+", value.lower()):
        head, _, tail = value.lower().partition("e")
        sign = "" if tail[0] in "+-" else "+"
        return f"; YAML wants a point and a sign: {head}.0e{sign}{tail}"
    return ""


def _check_together(kind: str, keys: Mapping[str, Any], place: Path) -> None:
    if "min" in keys and keys["min"] >= keys["max"]:
        raise Broken(f"must be < max = {keys['max']}, got {keys['min']}", *place, "min")
    if kind in POSITIVE and keys["min"] <= 0:
        raise Broken(f"must be > 0 for {kind}, got {keys['min']}", *place, "min")
    if "probabilities" in keys:
        probabilities = keys["probabilities"]
        if len(probabilities) != len(keys["values"]):
            raise Broken("must be as many as values", *place, "probabilities")
        if not all(isinstance(p, int | float) and p >= 0 for p in probabilities):
            raise Broken("must be numbers >= 0", *place, "probabilities")
        if not math.isclose(sum(probabilities), 1.0, rel_tol=1e-5):
            raise Broken(f"must sum to 1, not {sum(probabilities):g}", *place, "probabilities")


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """{("a", "b"): 1} -> {"a": {"b": 1}}."""
    config: dict[str, Any] = {}
    for path, value in values.items():
        table = config
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return config
