"""A study's page in markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from sambench.analysis import PublishedStudy
from sambench.render import page, texts
from sambench.render.markdown.table import markdown
from sambench.render.page import Part, Term

Figures = Sequence[tuple[str, str]]
"""Address relative to the page, text for who cannot see it."""


def render(study: PublishedStudy, figures: Figures = ()) -> str:
    """The whole page; the same records give the same bytes."""
    found = page.of(study)
    head = [
        f"# {found.study}",
        texts.markdown(found.question),
        f"**{texts.markdown(found.headline)}**",
        *(f"**{name}:** {texts.markdown(told)}" for name, told in found.answer),
        f"**{found.damage}**" if found.damage else "",
        _bullets(found.damages),
        "**Beware:**" if found.warnings else "",
        _bullets(found.warnings),
    ]
    links = {part.name: _link(part.title) for part in found.parts}
    pieces = [*head, *(piece for part in found.parts for piece in _part(part, figures, links))]
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def _part(part: Part, figures: Figures, links: Mapping[str, str]) -> list[str]:
    """Nothing where there is neither a word nor a figure."""
    drawn = [
        f"![{_alt(alt)}]({path})" for path, alt in figures if part.shows(PurePosixPath(path).stem)
    ]
    if part.is_empty and not drawn:
        return []
    title = texts.markdown(part.title)
    table = part.table if part.table and part.table.rows else None
    body = [
        *map(texts.markdown, part.sentences),
        *drawn,
        *([markdown(table), texts.markdown(table.after)] if table else []),
        f"    {texts.command(part.command)}" if part.command else "",
        links.get(part.see, ""),
        _bullets(part.bullets),
        _terms(part.terms),
    ]
    if part.folded:
        return [f"<details><summary>{title}</summary>", *body, "</details>"]
    return [f"## {title}" if title else "", *body]


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {texts.markdown(sentence)}" for sentence in sentences)


def _terms(found: Iterable[Term]) -> str:
    return "\n".join(
        f"- **{texts.markdown(term)}**: {texts.markdown(told)}" for term, told in found
    )


def _link(title: str) -> str:
    """To a heading, by the address that GitHub gives it."""
    address = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
    return f"[{texts.markdown(title)}](#{address})"


def _alt(text: str) -> str:
    return texts.markdown(text.replace("[", "(").replace("]", ")"))
