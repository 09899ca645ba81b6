"""Domains of numbers: as wide as anything that could ever run, so that nothing overflows later."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from sambench.config.table import Broken
from sambench.errors import echo

LARGEST = 1e9
"""Of a hyperparameter or an argument, by magnitude; float32 and int32 hold it."""
LARGEST_RATE = 1e6
"""Of a learning rate or weight decay."""
SMALLEST_RATE = 1e-30
"""Of a learning rate; float32 holds it."""
LARGEST_COUNT = 1_000_000
"""Of epochs, searches, seeds, and of the items in a batch."""
LARGEST_SEED = 2**53
"""JSON and JavaScript hold it."""
DEEPEST = 8  # tables and lists within each other

Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Items = Annotated[int, Field(ge=1, le=10**9)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Share = Annotated[float, Field(ge=0, lt=1)]
Nonnegative = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, le=LARGEST_RATE)]


def _mixable(alpha: float) -> float:
    if alpha != 0 and not 1e-3 <= alpha <= 1e3:
        raise Broken(f"must be 0, or from 0.001 to 1000, got {alpha!r}")
    return alpha


Mix = Annotated[float, Field(ge=0), AfterValidator(_mixable)]
"""alpha of a Beta(alpha, alpha); 0 mixes nothing"""


def check(value: float) -> None:
    """Broken unless a number is finite, and of a size that arithmetic survives."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Broken(f"must be a finite number, got {value!r}")
    if abs(value) > LARGEST:
        raise Broken(f"must be from -{LARGEST:g} to {LARGEST:g}, got {echo(value)}")


def plain(value: object, depth: int = 0) -> object:
    """The value; Broken unless JSON can hold it and arithmetic its numbers."""
    match value:
        case bool() | str() | None:
            pass
        case int() | float():
            check(value)
        case dict() | list() | tuple():
            if depth == DEEPEST:
                raise Broken(f"is nested more than {DEEPEST} deep")
            for item in value.values() if isinstance(value, dict) else value:
                plain(item, depth + 1)
        case _:
            kind = type(value).__name__
            raise Broken(f"must be a number, a string, true or false, got a {kind}")
    return value


Plain = Annotated[Any, BeforeValidator(plain)]
"""An argument that JSON can hold, for a function that is not ours."""
