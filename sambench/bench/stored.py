"""A benchmark in a JSON file."""

from pathlib import Path
from typing import TypeVar

from sambench.errors import UserError

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """UserError, one line, if the file holds anything else than such a value."""
    from pydantic import TypeAdapter, ValidationError

    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a regular file")
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path}: {where}: {first['msg']}") from None
