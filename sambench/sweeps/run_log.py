"""What a program has told W&B so far, read from the .wandb file that it writes offline.

The file is a 7-byte header, then LevelDB log frames (32 KiB blocks of crc, length, type) of
protobuf records. It may end in the middle of a frame while its program runs.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from sambench.sweeps.numbers import is_finite

HEADER, BLOCK, FRAME = 7, 32768, struct.Struct("<IHB")
FULL, FIRST, LAST = 1, 2, 4


def find(folder: Path, run_id: str) -> Path | None:
    """The newest file of a run below WANDB_DIR."""
    found = [*folder.glob(f"wandb/*run-*-{run_id}/run-{run_id}.wandb"),
             *folder.glob(f".wandb/*run-*-{run_id}/run-{run_id}.wandb")]  # fmt: skip
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


class RunLog:
    """A growing file; `update` takes in what is new, and passes over what is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = False
        """whether it cannot be read to its end; what stands before that counts"""
        self._offset = HEADER
        self._buffer = b""
        self._history: dict[str, list[float]] = {}
        self.summary: dict[str, object] = {}

    def update(self) -> None:
        """Takes in what is new. Damaged records are passed over, damaged frames end the file."""
        from google.protobuf.message import DecodeError
        from wandb.proto.wandb_internal_pb2 import Record  # pyright: ignore[reportAttributeAccessIssue]

        try:
            for data in self._frames() if not self.damaged else ():
                record = Record()
                try:
                    record.ParseFromString(data)
                    for name, value in _values(record.history.item):
                        if is_finite(value):
                            self._history.setdefault(name, []).append(value)
                    self.summary.update(_values(record.summary.update))
                except (DecodeError, ValueError, RecursionError):
                    continue
        except (OSError, ValueError):
            self.damaged = True

    def history(self, metric: str) -> list[float]:
        """The finite values logged under a name."""
        return self._history.get(metric, [])

    def names(self) -> set[str]:
        """Everything that was logged."""
        return {name for name in self._history if not name.startswith("_")}

    def _frames(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:  # its program has removed it
            return
        at = 0
        while True:
            left = BLOCK - (self._offset + at) % BLOCK
            if left < FRAME.size:
                at += left
                continue
            if at + FRAME.size > len(data):
                break
            crc, length, kind = FRAME.unpack_from(data, at)
            end = at + FRAME.size + length
            if kind == 0 or end > len(data):
                break
            chunk = data[at + FRAME.size : end]
            if crc != zlib.crc32(chunk, zlib.crc32(bytes([kind]))):
                raise ValueError("the check of a frame does not fit")
            self._buffer = chunk if kind in (FULL, FIRST) else self._buffer + chunk
            at = end
            if kind in (FULL, LAST):
                yield self._buffer
        self._offset += at


class _Item(Protocol):
    """A name and its value, as W&B's records have them."""

    key: str
    nested_key: Sequence[str]
    value_json: str


def _values(items: Iterable[_Item]) -> Iterator[tuple[str, object]]:
    for item in items:
        yield item.key or ".".join(item.nested_key), json.loads(item.value_json)
