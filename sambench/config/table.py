"""A table of a study file, strictly checked, and what is wrong with it in one line."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails

from sambench.errors import ECHOED, echo, nearest, shortened

_RULES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be finite",
    "float_type": "must be a number",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "less_than_equal": "must be <= {le:g}",
    "less_than": "must be < {lt:g}",
    "model_type": "must be a table",
    "string_pattern_mismatch": "must be letters, digits, . _ - and not start with . or -",
    "string_too_long": "must be at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
    "too_long": "must hold {max_length} values",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}
"""pydantic's error type -> the rule that was broken."""


T = TypeVar("T")
_IF_SET = "if set"
IfSet = Annotated[T, _IF_SET]
"""The type of a key that dumps leave out at its default, so that older studies dump as before."""
Listed = Field(strict=False)  # TOML has lists where we keep tuples


class Broken(ValueError):
    """A rule of ours that a table breaks, at `key` below that table; raised by validators."""

    def __init__(self, rule: str, *key: str | int) -> None:
        super().__init__(rule)
        self.key = key


class Table(BaseModel):
    """Only known keys, values of exactly the declared type, nothing infinite, nothing to change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,  # what a key means, for studies/README.md and for editors
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: object) -> object:
        """Ahead of pydantic, so that a misspelt key is not reported as a missing one."""
        for key in map(str, data) if isinstance(data, Mapping) else ():
            if key not in cls.model_fields:
                raise Broken(f"unknown key, {nearest(key, cls.model_fields)}", key)
        return data

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        unset = {k for k, default in if_set(type(self)).items() if getattr(self, k) == default}
        return {key: value for key, value in dump(self).items() if key not in unset}


def if_set(table: type[Table]) -> dict[str, object]:
    """The keys that a dump holds only where they are set, with their defaults."""
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in table.model_fields.items()
        if _IF_SET in field.metadata
    }


def one_line(error: ValidationError) -> str:
    """The first finding, e.g. "train.batch_size: must be >= 1, got 0 (and 2 more)"."""
    first, *more = _all(error)
    line = _finding(first)
    return f"{line} (and {len(more)} more)" if more else line


def _all(error: ValidationError) -> Iterator[ErrorDetails]:
    """Every finding; of a table that is validated within another, those of its own."""
    for found in error.errors():
        inner = found.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):
            for own in _all(inner):
                yield {**own, "loc": (*found["loc"], *own["loc"])}
        else:
            yield found


def _finding(error: ErrorDetails) -> str:
    loc, context, value = error["loc"], error.get("ctx", {}), error["input"]
    match error["type"], context.get("error"):
        case _, Broken() as broken:
            return f"{_dotted(*loc, *broken.key)}: {broken}"
        case "missing", _:
            return f"{_dotted(*loc)}: is required"
        case "literal_error", _:
            choices = re.findall(r"'(.*?)'", context["expected"])
            return f"{_dotted(*loc)}: unknown value {echo(value)}, {nearest(str(value), choices)}"
    rule = _RULES.get(error["type"], error["msg"]).format(**context)
    return f"{_dotted(*loc)}: {rule}, got {echo(value)}"


def _dotted(*path: str | int) -> str:
    """("variant", 0, "fix") -> "variant[0].fix"."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return shortened("".join(parts).removeprefix("."), 2 * ECHOED)
