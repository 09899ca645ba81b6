"""The `parameters` of a sweep: a flat list of what is drawn, and the nested config it makes."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from reprlib import repr as short

from sambench.config import Broken
from sambench.errors import nearest
from sambench.sweeps.distributions import DISTRIBUTIONS, EXPONENTS, POSITIVE, Grid, inferred
from sambench.sweeps.numbers import is_finite, number, whole

Path = tuple[str, ...]

EXTREMES = (2.0**-53, 1 - 2.0**-53)
"""The quantiles between which runs are drawn."""


@dataclass(frozen=True)
class Parameter:
    """One value to draw, at its place in the config."""

    path: Path
    kind: str
    keys: Mapping[str, object]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def place(self) -> str:
        """Where the file has it."""
        return ".".join(("parameters", *_place(self.path)))

    def at(self, u: float) -> object:
        """The value at quantile u in [0, 1]."""
        return DISTRIBUTIONS[self.kind].at(u, **self.keys)

    def grid(self) -> Grid | None:
        """Every value, None where there is no end of them."""
        grid = DISTRIBUTIONS[self.kind].grid
        return grid and grid(**self.keys)

    def doubt(self) -> str:
        """What W&B's server would warn of; empty if nothing."""
        low = self.keys.get("min")
        if self.kind not in EXPONENTS or not is_finite(low) or low < 0:
            return ""
        low, high = sorted(filter(is_finite, map(self.at, EXTREMES)))
        return (
            f"{self.place}: min and max of {self.kind} are exponents, so it draws from {low:.4g} "
            f"to {high:.4g}; {self.kind}_values takes the limits themselves"
        )


def parse(tables: object, at: Path = ()) -> tuple[Parameter, ...]:
    """All parameters, those within parameters too, in W&B's order: by name; Broken if wrong."""
    found = tuple(_parsed(tables, at))
    named = Counter(parameter.name for parameter in found)
    for parameter in found:
        if named[parameter.name] > 1:
            raise Broken("stands twice", *_place(parameter.path))
    return found


def _parsed(tables: object, at: Path) -> Iterator[Parameter]:
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


def _parameter(path: Path, keys: Mapping[str, object]) -> Parameter:
    place = _place(path)
    given = {str(k): _converted(str(k), v) for k, v in keys.items() if k != "distribution"}
    kind = keys.get("distribution", inferred(given))
    if kind is None:
        raise Broken("needs value, values, min and max, or a distribution", *place)
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        rule = f"unknown distribution {short(kind)}, {nearest(str(kind)[:60], DISTRIBUTIONS)}"
        raise Broken(rule, *place, "distribution")
    known = DISTRIBUTIONS[kind]
    for key in given:
        if key not in {*known.required, *known.optional}:
            raise Broken(f"is not a key of {kind}", *place, key)
    for key in known.required:
        if key not in given:
            raise Broken(f"is required by {kind}", *place, key)
    filled = {**known.optional, **given}
    if kind == "int_uniform":
        filled = {key: whole(value) for key, value in filled.items()}
    if "values" in filled:
        _check_lists(filled, place)
    elif "value" not in filled:
        _check_draws(kind, _checked_numbers(kind, filled, place), place)
    return Parameter(path, kind, filled)


def _converted(key: str, value: object) -> object:
    if key == "probabilities" and isinstance(value, list):
        return [number(one) for one in value]
    return value if key in ("value", "values") else number(value)


def _check_lists(keys: Mapping[str, object], place: Path) -> None:
    lists: dict[str, list[object]] = {}
    for key, value in keys.items():
        if not isinstance(value, list) or not value:
            raise Broken(f"must be a list, got {short(value)}", *place, key)
        lists[key] = value
    if "probabilities" not in lists:
        return
    probabilities = [p for p in lists["probabilities"] if is_finite(p) and 0 <= p <= 1]
    if len(lists["probabilities"]) != len(lists["values"]):
        raise Broken("must be as many as values", *place, "probabilities")
    if len(probabilities) != len(lists["values"]):
        raise Broken("must be numbers from 0 to 1", *place, "probabilities")
    if not math.isclose(sum(probabilities), 1.0, rel_tol=1e-5):
        raise Broken(f"must sum to 1, not {sum(probabilities):g}", *place, "probabilities")


def _checked_numbers(kind: str, keys: Mapping[str, object], place: Path) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for key, value in keys.items():
        if not is_finite(value):
            raise Broken(f"must be a number, got {short(value)}", *place, key)
        if kind == "int_uniform" and not isinstance(value, int):
            raise Broken(f"must be a whole number, got {value!r}", *place, key)
        if key == "q" and value <= 0:
            raise Broken(f"must be > 0, got {value}", *place, key)
        if key in ("sigma", "a", "b") and value < 0:
            raise Broken(f"must be >= 0, got {value}", *place, key)
        numbers[key] = value
    if "min" in numbers and numbers["min"] >= numbers["max"]:
        rule = f"must be < max = {short(numbers['max'])}, got {short(numbers['min'])}"
        raise Broken(rule, *place, "min")
    if kind in POSITIVE and numbers["min"] <= 0:
        raise Broken(f"must be > 0 for {kind}, got {numbers['min']}", *place, "min")
    return numbers


def _check_draws(kind: str, numbers: Mapping[str, float], place: Path) -> None:
    """Broken if some run would draw infinity; quantiles are monotonic, so the ends are enough."""
    for u in EXTREMES:
        try:
            if is_finite(DISTRIBUTIONS[kind].at(u, **numbers)):
                continue
        except (OverflowError, ValueError):
            pass
        hint = f"; its min and max are exponents, {kind}_values takes the limits themselves"
        raise Broken(f"{kind} overflows{hint if kind in EXPONENTS else ''}", *place)


def nested(values: Mapping[Path, object]) -> dict[str, object]:
    """{("a", "b"): 1} -> {"a": {"b": 1}}."""
    config: dict[str, object] = {}
    for path, value in values.items():
        table = config
        for name in path[:-1]:
            inner = table.setdefault(name, {})
            assert isinstance(inner, dict)
            table = inner
        table[path[-1]] = value
    return config
