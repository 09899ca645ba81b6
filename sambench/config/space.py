"""Where to search a hyperparameter."""

import math
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from sambench.config import numbers
from sambench.config.table import Broken, Listed, Table
from sambench.errors import echo


def _one_of(*types: type, words: str) -> BeforeValidator:
    """Ahead of pydantic, which reports a value that fits no member of a union once per member."""

    def check(value: object) -> object:
        if type(value) not in types or (isinstance(value, float) and not math.isfinite(value)):
            raise Broken(f"must be {words}, got {echo(value)}")
        if isinstance(value, int | float):
            numbers.check(value)
        return value

    return BeforeValidator(check)


Number = Annotated[int | float, _one_of(int, float, words="a finite number")]
Scalar = Annotated[
    bool | int | float | str,
    _one_of(bool, int, float, str, words="a finite number, a string, true or false"),
]


class Space(Table):
    """A range {low, high, log}, both ends included, or {choices}."""

    low: Number | None = None
    """included"""
    high: Number | None = None
    """included"""
    log: bool = False
    """uniform in the logarithm"""
    choices: Annotated[tuple[Scalar, ...], Listed, Field(min_length=1)] | None = None
    """instead of a range"""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise Broken("cannot stand beside low, high or log", "choices")
            return self
        if self.low is None or self.high is None:
            raise Broken("is required, or choices", "low" if self.low is None else "high")
        if self.low >= self.high:
            raise Broken(f"must be < high = {self.high}, got {self.low}", "low")
        if self.log and self.low <= 0:
            raise Broken(f"must be > 0 on a log scale, got {self.low}", "low")
        return self

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """low and high of a range."""
        assert self.low is not None and self.high is not None
        return self.low, self.high

    @property
    def is_whole(self) -> bool:
        """Whether a range holds whole numbers only."""
        return all(isinstance(end, int) for end in self.bounds)

    @property
    def extremes(self) -> dict[str, Scalar]:
        """The values that decide whether the whole space is legal, by their place in it."""
        if self.choices is None:
            return dict(zip(("low", "high"), self.bounds, strict=True))
        return {f"choices[{i}]": choice for i, choice in enumerate(self.choices)}

    def at(self, u: float) -> Scalar:
        """The value at position u in [0, 1), to 6 digits: a processor's own exp and log may differ.

        A whole number's share of positions is as wide as every other's, in logarithms if `log`.
        """
        if self.choices is not None:
            return self.choices[int(u * len(self.choices))]
        low, high = self.bounds
        ends = (low - 0.5, high + 0.5) if self.is_whole else (low, high)
        if self.log:
            first, last = map(math.log, ends)
            found = math.exp(first + u * (last - first))
        else:
            found = ends[0] + u * (ends[1] - ends[0])
        found = round(found) if self.is_whole else float(f"{found:.6g}")
        return min(max(found, low), high)

    def place(self, value: Scalar) -> float:
        """The position in [0, 1] of a value of a range; the inverse of `at`, but for rounding."""
        return self.places([float(value)])[0]

    def places(self, values: Iterable[float]) -> list[float]:
        """Those of several."""
        low, high = self.bounds
        ends = (low - 0.5, high + 0.5) if self.is_whole else (low, high)
        scale = math.log if self.log else float
        first, last = map(scale, ends)
        return [(scale(value) - first) / (last - first) for value in values]

    def as_floats(self) -> "Space":
        """The same space for a float hyperparameter: `low = 0` is 0.0, no first integer."""
        values = [float(value) for value in self.extremes.values()]
        if self.choices is not None:
            return Space(choices=tuple(values))
        return Space(low=values[0], high=values[1], log=self.log)
