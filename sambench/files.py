"""Files that are either whole or absent, whenever the process dies, and that know their damage."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, text: str) -> None:
    """Writes `text`, UTF-8, or leaves `path` as it was."""
    with replacing(path) as file:
        file.write(text.encode())


def digest(content: bytes | memoryview) -> bytes:
    """32 bytes that no flipped bit leaves as they are."""
    return hashlib.blake2b(content, digest_size=32).digest()


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Writes a table as JSON, closed by "check", the digest of all before it."""
    write_atomically(path, sealed(content))


def sealed(content: dict[str, Any]) -> str:
    """A table as `read_sealed` reads it."""
    text = json.dumps(content)
    return text[:-1] + _seal(text)


def read_sealed(path: Path) -> dict[str, Any]:
    """The table that `write_sealed` wrote; ValueError if a bit of the file has changed."""
    if not path.is_file():
        raise ValueError("no file")  # a pipe would be waited for
    text = path.read_bytes().decode()
    start = len(text) - len(_seal(""))
    body = text[:start] + "}"
    if start < 1 or text[start:] != _seal(body):
        raise ValueError("its check does not fit")
    return json.loads(body)


def _seal(text: str) -> str:
    return f', "check": "{digest(text.encode()).hex()}"}}'
