"""What a user did wrong, said in one line that a terminal can hold."""

import difflib
import errno
import re
import reprlib
import traceback
from collections.abc import Iterable
from itertools import takewhile

LONGEST = 400  # characters of a message
LISTED = 200  # characters of a list of choices
CANDIDATES = 20  # of a choice that is close
ECHOED = 60  # characters of a value of the user's


class UserError(Exception):
    """Bad input. The command line prints the message on one line and exits with code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message))


class WorkFailed(Exception):
    """Nothing wrong with the input. The command line prints one line and exits with code 1."""


OF_THE_MACHINE = {
    errno.EAGAIN,
    errno.EDQUOT,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EROFS,
}
"""What no run escapes: disks, open files, processes."""


def concerns_all(error: BaseException) -> bool:
    """Whether what went wrong in one run is no fault of this run alone."""
    if isinstance(error, OSError):
        return error.errno in OF_THE_MACHINE
    return isinstance(error, UserError | WorkFailed)


def nearest(word: str, known: Iterable[str]) -> str:
    """The tail of a message: the choices closest to `word`; if none is close all, if they fit."""
    word, choices = word[:ECHOED], sorted(known)
    if close := _closest(word, choices, 0.5):
        return f"did you mean {' or '.join(close)}?"
    listed = f"choose from {', '.join(choices)}"
    if len(listed) <= LISTED:
        return listed
    closest = _closest(word, choices, 0) or choices[:3]
    return f"nearest: {', '.join(closest)}; {len(choices)} in all"


def _closest(word: str, choices: list[str], cutoff: float) -> list[str]:
    """Three at most; those that differ in capitals, - and _ only are the only ones."""
    spelled: dict[str, list[str]] = {}
    for choice in choices:
        spelled.setdefault(_bare(choice), []).append(choice)
    bare = _bare(word)
    if bare in spelled:
        return spelled[bare][:3]
    close = difflib.get_close_matches(bare, spelled, n=CANDIDATES, cutoff=cutoff)

    def distance(other: str) -> tuple[float, int]:
        ratio = difflib.SequenceMatcher(None, other, bare).ratio()
        pairs = zip(other, bare, strict=False)
        return -ratio, -sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    return [choice for other in sorted(close, key=distance) for choice in spelled[other]][:3]


def _bare(word: str) -> str:
    """Small letters, nothing between words."""
    return word.lower().translate(str.maketrans("", "", "-_ "))


def echo(value: object) -> str:
    """The repr of what a user gave, short enough for a message."""
    try:
        return shortened(_ECHO.repr(value), 2 * ECHOED)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of thousands of digits"


def shortened(text: str, length: int = LONGEST) -> str:
    """`text` on one line, without its middle where it is longer."""
    ends = text if len(text) <= 4 * LONGEST else f"{text[:LONGEST]} {text[-LONGEST:]}"
    line = " ".join(ends.split())
    tail = length // 4
    return line if len(line) <= length else f"{line[: length - tail - 5]} ... {line[-tail:]}"


def hidden(text: str) -> str:
    """The text with *** for the passwords of URLs in it."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


def said(error: BaseException) -> str:
    """What an exception says, on one short line; where it says nothing, the code that failed."""
    if lines := str(error).strip().splitlines():
        return shortened(lines[0], LISTED)
    lines = [f.line or "" for f in traceback.extract_tb(error.__traceback__)]
    checks = [line for line in lines if not line.startswith("raise")]
    if isinstance(error, AssertionError) and checks:
        return shortened(f"it fails at {checks[-1]}", LISTED)
    return type(error).__name__


def kind_and_words(error: BaseException) -> str:
    """An exception's type and what it says, on one short line that no terminal obeys."""
    kind, words = type(error).__name__, said(error)
    line = kind if words == kind else f"{kind}: {words}"
    return "".join(c if c.isprintable() else "?" for c in line)


_PASSWORD = re.compile(r"(://[^\s:/@]*:)\S*@|([?&]\w*password=)[^\s&]*", re.IGNORECASE)
_ECHO = reprlib.Repr()
_ECHO.maxstring = _ECHO.maxother = _ECHO.maxlong = ECHOED
