"""The last line of a figure's file: what it was drawn from, and that nobody changed it since.

Files carry it themselves, so that copies, merges and deletions leave nothing else to mend.
"""

import re
import zlib
from typing import NamedTuple

LINE = re.compile(
    r"<!-- figure (\d+) of (\d+), matplotlib (\S+), from (\w+), check (\w{8}) -->\n\Z"
)
LONGEST = 300  # characters


class Seal(NamedTuple):
    """Which of how many figures of a study it is, by which matplotlib, a digest of all it shows."""

    place: int
    num: int
    matplotlib: str
    source: str


def sealed(svg: str, seal: Seal) -> str:
    """The file."""
    place, num, matplotlib, source = seal
    drawn = f"figure {place} of {num}, matplotlib {matplotlib}, from {source}"
    return f"{svg}<!-- {drawn}, check {_check(svg)} -->\n"


def read(text: str) -> Seal | None:
    """The seal of a file, whole or not."""
    found = LINE.search(text, max(0, len(text) - LONGEST))
    return Seal(int(found[1]), int(found[2]), found[3], found[4]) if found else None


def is_whole(text: str) -> bool:
    """Whether the file is as it was sealed."""
    found = LINE.search(text, max(0, len(text) - LONGEST))
    return found is not None and found[5] == _check(text[: found.start()])


def drawing(text: str) -> str:
    """The file without its seal."""
    return LINE.sub("", text)


def _check(svg: str) -> str:
    return f"{zlib.crc32(svg.encode()):08x}"
