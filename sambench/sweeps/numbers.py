"""Numbers of a sweep file, also where YAML reads them as text: 1e-5 lacks the point it wants."""

import re
import sys
from typing import Annotated, TypeGuard

from pydantic import BeforeValidator, Field

EXPONENT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+")
MOST = 2**63 - 1


def number(value: object) -> object:
    """ "1e-5" -> 1e-05; whatever is no such text is returned as it is."""
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value


def whole(value: object) -> object:
    """The same; and 100.0 -> 100, as a JSON schema has it."""
    value = number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_finite(value: object) -> TypeGuard[float]:
    """Whether it is a number that fits a float, which true and false are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


Number = Annotated[float, BeforeValidator(number)]
Whole = Annotated[int, BeforeValidator(whole), Field(ge=1, le=MOST)]
"""From 1 to what 64 bits hold."""
