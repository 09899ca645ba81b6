"""What a user did wrong, said in one line."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input. The command line prints the message on one line and exits with code 2."""


class WorkFailed(Exception):
    """Nothing wrong with the input. The command line prints one line and exits with code 1."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The tail of a message: the choices closest to `word`, or all of them if none is close."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"choose from {', '.join(choices)}"
