"""What people wrote, made fit for where it is shown: on one line, without markup of its own."""

import re
import shlex

MARKUP = re.compile(
    r"\\|<(?=[A-Za-z/!?])"  # escapes, HTML
    r"|(?<=\])(?=[(\[])|^(?=\[[^\]]*\]:)"  # links
    r"|&(?=#?\w+;)"  # entities
    r"|^(?=#|>|[-+*] |\d+[.)] )"  # blocks
)
"""Where markdown would begin something else than text: a backslash there prevents it."""


def one_line(text: str) -> str:
    """Line breaks, control characters and other invisible ones become single spaces.

    >>> one_line("a\\n b\\x1b[31m")
    'a b [31m'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def markdown(text: str) -> str:
    """A sentence of a page: words as they are, no HTML, no links.

    >>> markdown("<b>p <0.001 [x](y)")
    '\\\\<b>p <0.001 [x]\\\\(y)'
    """
    return MARKUP.sub(lambda found: f"\\{found[0]}", one_line(text))


def command(text: str) -> str:
    """A command line on one line, whose words are nothing but words to a shell."""
    if not text.startswith("python "):
        return one_line(text)
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    kept = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in kept) + "'"
