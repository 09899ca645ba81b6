"""The lines of a file, told apart without a copy of each: that would cost more than all checks."""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
CHUNK = 2**22
NEWLINE, RETURN, COMMA = b"\n\r,"
DIGITS = np.full(256, 16, np.uint8)  # value of a hex digit, 16 for all that is none
DIGITS[list(b"0123456789abcdef")] = range(16)
CHECK = 9  # bytes at the end of a line: a comma and 8 digits


class Lines:
    """Without their ends. Byte order mark and the line ends of Windows do not count."""

    def __init__(self, text: np.ndarray) -> None:
        """Of a file's bytes, uint8 (bytes,)."""
        if text[:3].tobytes() == BYTE_ORDER_MARK:
            text = text[3:]
        ends = _newlines(text)
        if (text[ends[ends > 0] - 1] == RETURN).any():
            text = np.frombuffer(text.tobytes().replace(b"\r\n", b"\n"), np.uint8)
            ends = _newlines(text)
        ended = len(text) > 0 and text[-1] == NEWLINE
        self._text = text.data
        self._ends = ends if ended else np.append(ends, len(text))
        self._starts = np.append(0, self._ends[:-1] + 1)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, i: int) -> bytes:
        return bytes(self._text[self._starts[i] : self._ends[i]])

    def after(self, num: int) -> "Lines":
        """All but the first `num` lines."""
        rest = Lines.__new__(Lines)
        rest._text, rest._starts, rest._ends = self._text, self._starts[num:], self._ends[num:]
        return rest

    def text(self, kept: Sequence[int] | np.ndarray) -> memoryview:
        """Of the lines at these places, in their order."""
        if len(kept) < len(self):
            return memoryview(b"\n".join(self[i] for i in kept))
        return self._text[self._starts[0] : self._ends[-1]] if len(self) else memoryview(b"")

    def sums(self) -> np.ndarray:
        """CRC-32 of each line without its check, uint32 (lines,)."""
        crc32, text = zlib.crc32, self._text
        return np.fromiter((crc32(text[a:z]) for a, z in self._bodies()), np.uint32, len(self))

    def checks(self) -> np.ndarray:
        """What each line says its sum is, int64 (lines,); -1 where it ends otherwise."""
        bytes_ = np.frombuffer(self._text, np.uint8)
        long = self._ends - self._starts >= CHECK
        start = np.where(long, self._ends, CHECK) - CHECK
        fits, found = long & (bytes_[start] == COMMA), np.zeros(len(self), np.int64)
        for place in range(1, CHECK):
            digit = DIGITS[bytes_[start + place]]
            fits &= digit < 16
            found = 16 * found + digit
        return np.where(fits, found, -1)

    def _bodies(self) -> Iterator[tuple[int, int]]:
        ends = np.maximum(self._ends - CHECK, self._starts)
        return zip(self._starts.data, ends.data, strict=True)


def _newlines(text: np.ndarray) -> np.ndarray:
    """Where they are; by chunks, whose masks stay in the cache."""
    found = [
        np.flatnonzero(text[start : start + CHUNK] == NEWLINE) + start
        for start in range(0, len(text), CHUNK)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])
