"""A study as its page shows it: the answer with one figure and one table, then the rest, folded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.render import page
from sambench.render.drawing import Drawing
from sambench.render.harmless import alt, is_harmless
from sambench.render.html.glossary import Glossary
from sambench.render.html.inline import inline
from sambench.render.page import Page, Part, Term
from sambench.render.tables import Table

LEAD = ("tuning", "intervals")
"""Figures of which the first that there is stands beside the answer."""
OPEN = ("ranking", "unranked", "settings")
"""Parts that are read at once."""


@dataclass(frozen=True)
class Figure:
    """`alt` says what it shows."""

    name: str
    svg: Markup
    alt: str

    @property
    def id(self) -> str:
        return f"figure-{self.name}"


@dataclass(frozen=True)
class Shown:
    """A part with its figures; `id` is that of its table."""

    part: Part
    table: Table | None
    figures: Sequence[Figure]

    @property
    def id(self) -> str:
        return f"{self.part.name}-table"


@dataclass(frozen=True)
class Section:
    """What stands in the page as it is, is markup; the template escapes all other texts."""

    leaderboard: Leaderboard
    page: Page
    glossary: Glossary
    headline: Markup
    answer: Sequence[tuple[str, Markup]]
    lead: Figure | None
    first: Sequence[Shown]
    rest: Sequence[Shown]


def section(
    study: PublishedStudy,
    drawing: Drawing,
    folder: Path,
    hrefs: Mapping[str, str],
    arms: Iterable[Term],
) -> Section:
    """`hrefs`: registry key -> what the page tells of the variant; `arms`: what they stand for."""
    found = page.of(study)
    glossary = Glossary([*arms, *(term for part in found.parts for term in part.terms)])
    figures = {figure.name: figure for figure in _figures(drawing, folder)}
    lead = next((figures.pop(name) for name in LEAD if name in figures), None)
    links = {row.label: hrefs.get(row.key, "") for row in study.leaderboard.rows}
    shown = list(_shown(found.parts, figures.values(), links))
    headline, *told = glossary.told([found.headline, *(told for _, told in found.answer)])
    return Section(
        leaderboard=study.leaderboard,
        page=found,
        glossary=glossary,
        headline=headline,
        answer=[(name, own) for (name, _), own in zip(found.answer, told, strict=True)],
        lead=lead,
        first=[one for one in shown if one.part.name in OPEN],
        rest=[one for one in shown if one.part.name not in OPEN],
    )


def _shown(
    parts: Iterable[Part], figures: Iterable[Figure], links: Mapping[str, str]
) -> Iterable[Shown]:
    """Those with anything to show."""
    for part in parts:
        table = part.table.linked(links) if part.table and part.table.rows else None
        own = [figure for figure in figures if part.shows(figure.name)]
        if own or not part.is_empty:
            yield Shown(part, table, own)


def _figures(drawing: Drawing, folder: Path) -> Iterable[Figure]:
    """Those that are made, and those on disk, that only draw."""
    for path, _ in drawing.links:
        text = drawing.texts.get(path) or _standing(folder / path)
        if is_harmless(text):
            yield Figure(PurePosixPath(path).stem, inline(text, "figure"), alt(text))


def _standing(path: Path) -> str:
    """ "" if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
