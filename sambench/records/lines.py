"""The lines of a file, a block at a time: to hold them all would cost more than all checks."""

import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

BLOCK = 2**23  # bytes, and the rest of the line
NEWLINE, RETURN, COMMA = b"\n\r,"
DIGITS = np.full(256, 16, np.uint8)  # value of a hex digit, 16 for all that is none
DIGITS[list(b"0123456789abcdef")] = range(16)
CHECK = 9  # bytes at the end of a line: a comma and 8 digits


class Block:
    """Lines that follow each other, without their ends; those of Windows do not count."""

    def __init__(self, text: bytes) -> None:
        self._text, self._bytes = text, np.frombuffer(text, np.uint8)
        newlines = np.flatnonzero(self._bytes == NEWLINE)
        returned = (newlines > 0) & (self._bytes[newlines - 1] == RETURN)
        ended = not text or text[-1] == NEWLINE
        self._ends = np.append(newlines - returned, [] if ended else len(text)).astype(np.int64)
        self.starts = np.append(0, newlines + 1)[: len(self._ends)]
        """their places in the text, whole numbers (lines,)"""

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, i: int) -> bytes:
        return self._text[self.starts[i] : self._ends[i]]

    def text(self, kept: Sequence[int] | np.ndarray) -> bytes:
        """Of the lines at these places, in their order."""
        return self._text if len(kept) == len(self) else b"\n".join(self[i] for i in kept)

    def sums(self) -> np.ndarray:
        """CRC-32 of each line without its check, uint32 (lines,)."""
        crc32, text = zlib.crc32, self._text
        ends = np.maximum(self._ends - CHECK, self.starts)
        bodies = zip(self.starts.data, ends.data, strict=True)
        return np.fromiter((crc32(text[a:z]) for a, z in bodies), np.uint32, len(self))

    def checks(self) -> np.ndarray:
        """What each line says its sum is, int64 (lines,); -1 where it ends otherwise."""
        long = self._ends - self.starts >= CHECK
        start = self._ends[long] - CHECK
        fits, found = self._bytes[start] == COMMA, np.zeros(len(start), np.int64)
        for place in range(1, CHECK):
            digit = DIGITS[self._bytes[start + place]]
            fits &= digit < 16
            found = 16 * found + digit
        checks = np.full(len(self), -1)
        checks[long] = np.where(fits, found, -1)
        return checks


class Lines:
    """Of a file, from where it stands."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._starts = file, np.empty(0, np.int64)

    def blocks(self) -> Iterator[Block]:
        """All of them, once."""
        at = self._file.tell()
        while text := self._file.read(BLOCK) + self._file.readline():
            block = Block(text)
            self._starts = np.append(self._starts, block.starts + at)
            at += len(text)
            yield block

    def __len__(self) -> int:
        """Of those that were read."""
        return len(self._starts)

    def __getitem__(self, i: int) -> bytes:
        """One that was read, again."""
        self._file.seek(self._starts[i])
        return bare(self._file.readline())


def bare(line: bytes) -> bytes:
    """Without its end."""
    return line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
