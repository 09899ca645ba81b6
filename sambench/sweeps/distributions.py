"""How W&B draws a parameter: each distribution as its quantile function, to the letter.

`tests/sambench/sweeps/golden.json` holds the answers of W&B's own engine (package `sweeps` 0.3.0).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Keys = Mapping[str, Any]
"""The keys of one parameter: min, max, mu, sigma, a, b, q, value, values, probabilities."""


@dataclass(frozen=True)
class Kind:
    """One distribution: the keys it takes, and its value at quantile u in [0, 1]."""

    at: Callable[[Keys, float], Any]
    required: tuple[str, ...] = ()
    optional: Mapping[str, Any] = field(default_factory=dict)
    """with their defaults"""


def _uniform(k: Keys, u: float) -> float:
    return k["min"] + u * (k["max"] - k["min"])


def _log(k: Keys) -> dict[str, Any]:
    return {**k, "min": math.log(k["min"]), "max": math.log(k["max"])}


def _log_uniform(k: Keys, u: float) -> float:
    """min and max are natural exponents."""
    return math.exp(_uniform(k, u))


def _inv_log_uniform(k: Keys, u: float) -> float:
    """1/x is log-uniform; min and max are natural exponents of 1/x."""
    return math.exp(-_uniform(k, 1 - u))


def _inv_log_uniform_values(k: Keys, u: float) -> float:
    low, high = -math.log(k["max"]), -math.log(k["min"])
    return _inv_log_uniform({"min": low, "max": high}, u)


def _normal(k: Keys, u: float) -> float:
    from scipy.special import ndtri

    return k["mu"] + k["sigma"] * float(ndtri(u))


def _log_normal(k: Keys, u: float) -> float:
    return math.exp(_normal(k, u))


def _beta(k: Keys, u: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(k["a"], k["b"], u))


def _index(u: float, num: int) -> int:
    return min(max(math.ceil(u * num) - 1, 0), num - 1)


def _int_uniform(k: Keys, u: float) -> int:
    return k["min"] + _index(u, k["max"] - k["min"] + 1)


def _categorical(k: Keys, u: float) -> Any:
    return k["values"][_index(u, len(k["values"]))]


def _weighted(k: Keys, u: float) -> Any:
    total = 0.0
    for value, probability in zip(k["values"], k["probabilities"], strict=True):
        total += probability
        if u < total:
            return value
    return k["values"][-1]


def _quantized(at: Callable[[Keys, float], float]) -> Callable[[Keys, float], float]:
    """Rounded to a multiple of q, half to even, an int if q is one; may leave [min, max]."""

    def rounded(k: Keys, u: float) -> float:
        value = round(at(k, u) / k["q"]) * k["q"]
        return value if isinstance(k["q"], int) else float(value)

    return rounded


_BOUNDS, _Q = ("min", "max"), {"q": 1.0}
_GAUSS, _SHAPE = {"mu": 0.0, "sigma": 1.0}, {"a": 1, "b": 1}

KINDS: Mapping[str, Kind] = {
    "constant": Kind(lambda k, u: k["value"], ("value",)),
    "categorical": Kind(_categorical, ("values",)),
    "categorical_w_probabilities": Kind(_weighted, ("values", "probabilities")),
    "int_uniform": Kind(_int_uniform, _BOUNDS),
    "uniform": Kind(_uniform, _BOUNDS),
    "q_uniform": Kind(_quantized(_uniform), _BOUNDS, _Q),
    "log_uniform": Kind(_log_uniform, _BOUNDS),
    "log_uniform_values": Kind(lambda k, u: _log_uniform(_log(k), u), _BOUNDS),
    "q_log_uniform": Kind(_quantized(_log_uniform), _BOUNDS, _Q),
    "q_log_uniform_values": Kind(_quantized(lambda k, u: _log_uniform(_log(k), u)), _BOUNDS, _Q),
    "inv_log_uniform": Kind(_inv_log_uniform, _BOUNDS),
    "inv_log_uniform_values": Kind(_inv_log_uniform_values, _BOUNDS),
    "normal": Kind(_normal, (), _GAUSS),
    "q_normal": Kind(_quantized(_normal), (), _GAUSS | _Q),
    "log_normal": Kind(_log_normal, (), _GAUSS),
    "q_log_normal": Kind(_quantized(_log_normal), (), _GAUSS | _Q),
    "beta": Kind(_beta, (), _SHAPE),
    "q_beta": Kind(_quantized(_beta), (), _SHAPE | _Q),
}

EXPONENTS = {"log_uniform", "q_log_uniform", "inv_log_uniform"}
"""Their min and max are exponents: W&B tells everybody to write log_uniform_values instead."""

POSITIVE = {"log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values"}


def inferred(keys: Keys) -> str | None:
    """The distribution W&B assumes where none is named."""
    if "value" in keys:
        return "constant"
    if "values" in keys:
        return "categorical_w_probabilities" if "probabilities" in keys else "categorical"
    if "min" in keys and "max" in keys:
        whole = isinstance(keys["min"], int) and isinstance(keys["max"], int)
        return "int_uniform" if whole else "uniform"
    return None
