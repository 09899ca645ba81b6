"""What the words of a page mean, one click away from wherever they stand."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from sambench.render.page import Term
from sambench.render.tables import Column

AMBIGUOUS = {"points", "±"}
"""In sentences they may mean something else than in the table: accuracy has points, too."""


class Glossary:
    """Gives each meaning an id while a page is made; the page ends with those that it offers."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._meanings = dict(terms)
        self._ids: dict[Term, str] = {}
        words = sorted(self._meanings.keys() - AMBIGUOUS, key=lambda word: (-len(word), word))
        either = "|".join(map(re.escape, words)) or r"(?!)"
        self._words = re.compile(rf"(?<![\w-])((?:{either})s?)(?![\w(-])")

    @property
    def offered(self) -> list[tuple[str, str, str]]:
        """Id, word and meaning of what the page has asked for so far."""
        return [(id, term.word, term.meaning) for term, id in self._ids.items()]

    def of_column(self, column: Column) -> str:
        """Id of what a column's hint says, else the terms; "" if nothing does."""
        name = column.name.removesuffix(", %")
        meaning = column.hint or self._meanings.get(name, "")
        return self._id(Term(name, meaning)) if meaning else ""

    def told(self, sentences: Sequence[str]) -> list[Markup]:
        """With code between backticks, and a button at the first mention of each word."""
        seen: set[str] = set()
        return [self._told(sentence, seen) for sentence in sentences]

    def _told(self, sentence: str, seen: set[str]) -> Markup:
        pieces = sentence.split("`")
        found = [
            Markup("<code>{}</code>").format(piece) if i % 2 else self._marked(piece, seen)
            for i, piece in enumerate(pieces)
        ]
        return Markup("").join(found)

    def _marked(self, text: str, seen: set[str]) -> Markup:
        """The split has the words at odd places."""
        found = Markup("")
        for i, piece in enumerate(self._words.split(text)):
            word = piece if piece in self._meanings else piece.removesuffix("s")
            first = i % 2 and word not in seen
            found += self._button(piece, word) if first else escape(piece)
            seen |= {word} if i % 2 else set()
        return found

    def _button(self, piece: str, word: str) -> Markup:
        button = '<button type="button" class="term" popovertarget="{}">{}</button>'
        return Markup(button).format(self._id(Term(word, self._meanings[word])), piece)

    def _id(self, term: Term) -> str:
        return self._ids.setdefault(term, f"means-{len(self._ids) + 1}")
