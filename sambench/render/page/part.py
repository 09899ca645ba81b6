"""A study's page before it has a format: parts, each with its sentences, table and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sambench.render.tables import Table


class Term(NamedTuple):
    """A word of the page, and what it means."""

    word: str
    meaning: str


@dataclass(frozen=True)
class Part:
    """Sentences, then the figures of these names, a table, a command line, bullets, terms."""

    name: str
    """a word, of its address"""
    title: str
    """ "" for what belongs to the answer"""
    sentences: Sequence[str] = ()
    figures: Sequence[str] = ()
    table: Table | None = None
    bullets: Sequence[str] = ()
    terms: Sequence[Term] = ()
    command: str = ""
    see: str = ""
    """name of the part that explains its words"""
    folded: bool = False
    """for whoever looks for it"""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell; figures are told apart, some study has none."""
        rows = self.table.rows if self.table else ()
        return not (self.sentences or rows or self.bullets or self.terms or self.command)

    def shows(self, figure: str) -> bool:
        """Whether a figure of this name belongs here: "cost-time" to "cost"."""
        return any(figure == name or figure.startswith(f"{name}-") for name in self.figures)


@dataclass(frozen=True)
class Page:
    """The answer, and the parts below it in the order of a reader's questions."""

    study: str
    question: str
    headline: str
    answer: Sequence[tuple[str, str]]
    """what to use, what it costs, how sure that is: name, sentence"""
    damage: str
    damages: Sequence[str]
    warnings: Sequence[str]
    parts: Sequence[Part]
