"""How W&B draws a parameter: each distribution as its quantile function, to the letter.

`tests/sambench/sweeps/golden.json` holds the answers of W&B's own engine (package `sweeps` 0.3.0).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grid:
    """The values of a parameter, none of which is made before it is asked for."""

    size: int
    at: Callable[[int], object]


@dataclass(frozen=True)
class Distribution:
    """The keys it takes, and what they give, as keyword arguments, at quantile u in [0, 1]."""

    at: Callable[..., object]
    required: tuple[str, ...] = ()
    optional: Mapping[str, float] = field(default_factory=dict)
    """with their defaults"""
    grid: Callable[..., Grid] | None = None
    """of the same keys; None where there is no end of values"""


def _index(u: float, num: int) -> int:
    return min(max(math.ceil(u * num) - 1, 0), num - 1)


def _constant(u: float, value: object) -> object:
    return value


def _categorical(u: float, values: Sequence[object]) -> object:
    return values[_index(u, len(values))]


def _weighted(u: float, values: Sequence[object], probabilities: Sequence[float]) -> object:
    total = 0.0
    for value, probability in zip(values, probabilities, strict=True):
        total += probability
        if u < total:
            return value
    return values[-1]


def _int_uniform(u: float, min: int, max: int) -> int:
    return min + _index(u, max - min + 1)


def _uniform(u: float, min: float, max: float) -> float:
    return min + u * (max - min)


def _log_uniform(u: float, min: float, max: float) -> float:
    """min and max are natural exponents."""
    return math.exp(_uniform(u, min, max))


def _log_uniform_values(u: float, min: float, max: float) -> float:
    return _log_uniform(u, math.log(min), math.log(max))


def _inv_log_uniform(u: float, min: float, max: float) -> float:
    """1/x is log-uniform; min and max are natural exponents of 1/x."""
    return math.exp(-_uniform(1 - u, min, max))


def _inv_log_uniform_values(u: float, min: float, max: float) -> float:
    return _inv_log_uniform(u, -math.log(max), -math.log(min))


def _normal(u: float, mu: float, sigma: float) -> float:
    from scipy.special import ndtri

    return mu + sigma * float(ndtri(u))


def _log_normal(u: float, mu: float, sigma: float) -> float:
    return math.exp(_normal(u, mu, sigma))


def _beta(u: float, a: float, b: float) -> float:
    from scipy.special import betaincinv

    return float(betaincinv(a, b, u))


def _quantized(at: Callable[..., float]) -> Callable[..., float]:
    """Rounded to a multiple of q, half to even, an int if q is one; may leave [min, max]."""

    def rounded(u: float, q: float, **keys: float) -> float:
        value = round(at(u, **keys) / q) * q
        return value if isinstance(q, int) else float(value)

    return rounded


def _multiples(min: float, max: float, q: float) -> Grid:
    """Without max, as W&B's."""
    return Grid(math.ceil((max - min) / q), lambda i: min + i * q)


_BOUNDS, _Q = ("min", "max"), {"q": 1.0}
_GAUSS, _SHAPE = {"mu": 0.0, "sigma": 1.0}, {"a": 1, "b": 1}

DISTRIBUTIONS: Mapping[str, Distribution] = {
    "constant": Distribution(_constant, ("value",), grid=lambda value: Grid(1, lambda i: value)),
    "categorical": Distribution(
        _categorical, ("values",), grid=lambda values: Grid(len(values), values.__getitem__)
    ),
    "categorical_w_probabilities": Distribution(_weighted, ("values", "probabilities")),
    "int_uniform": Distribution(
        _int_uniform, _BOUNDS, grid=lambda min, max: Grid(max - min + 1, lambda i: min + i)
    ),
    "uniform": Distribution(_uniform, _BOUNDS),
    "q_uniform": Distribution(_quantized(_uniform), _BOUNDS, _Q, _multiples),
    "log_uniform": Distribution(_log_uniform, _BOUNDS),
    "log_uniform_values": Distribution(_log_uniform_values, _BOUNDS),
    "q_log_uniform": Distribution(_quantized(_log_uniform), _BOUNDS, _Q),
    "q_log_uniform_values": Distribution(_quantized(_log_uniform_values), _BOUNDS, _Q),
    "inv_log_uniform": Distribution(_inv_log_uniform, _BOUNDS),
    "inv_log_uniform_values": Distribution(_inv_log_uniform_values, _BOUNDS),
    "normal": Distribution(_normal, (), _GAUSS),
    "q_normal": Distribution(_quantized(_normal), (), _GAUSS | _Q),
    "log_normal": Distribution(_log_normal, (), _GAUSS),
    "q_log_normal": Distribution(_quantized(_log_normal), (), _GAUSS | _Q),
    "beta": Distribution(_beta, (), _SHAPE),
    "q_beta": Distribution(_quantized(_beta), (), _SHAPE | _Q),
}

EXPONENTS = {"log_uniform", "q_log_uniform", "inv_log_uniform"}
"""Their min and max are exponents: W&B tells everybody to write log_uniform_values instead."""

POSITIVE = {"log_uniform_values", "q_log_uniform_values", "inv_log_uniform_values"}


def inferred(keys: Mapping[str, object]) -> str | None:
    """The distribution W&B assumes where none is named."""
    if "value" in keys:
        return "constant"
    if "values" in keys:
        return "categorical_w_probabilities" if "probabilities" in keys else "categorical"
    if "min" in keys and "max" in keys:
        whole = isinstance(keys["min"], int) and isinstance(keys["max"], int)
        return "int_uniform" if whole else "uniform"
    return None
