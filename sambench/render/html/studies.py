"""A study as the page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.render import page
from sambench.render.figures.plot import slug
from sambench.render.harmless import is_harmless
from sambench.render.html.inline import inline
from sambench.render.page import Page, Part
from sambench.render.study_files import StudyFiles
from sambench.render.tables import Table


@dataclass(frozen=True)
class Shown:
    """A part with its figures; `id` is that of its table."""

    id: str
    part: Part
    table: Table | None
    drawn: Sequence[Markup]


@dataclass(frozen=True)
class Section:
    """All texts are plain; the template escapes them."""

    id: str
    leaderboard: Leaderboard
    page: Page
    parts: Sequence[Shown]


def section(
    name: str, study: PublishedStudy, files: StudyFiles, folder: Path, hrefs: Mapping[str, str]
) -> Section:
    """`hrefs`: registry key -> what the page tells of the variant."""
    found, id = page.of(study), f"study-{slug(name)}"
    links = {row.label: hrefs.get(row.key, "") for row in study.leaderboard.rows}
    figures = {
        PurePosixPath(path).stem: inline(svg, slug(name)) for path, svg in _figures(files, folder)
    }
    shown = [
        Shown(
            id=f"{id}-{part.name}",
            part=part,
            table=part.table.linked(links) if part.table and part.table.rows else None,
            drawn=[svg for figure, svg in figures.items() if part.shows(figure)],
        )
        for part in found.parts
    ]
    kept = [one for one in shown if one.drawn or not one.part.is_empty]
    return Section(id, study.leaderboard, found, kept)


def _figures(files: StudyFiles, folder: Path) -> list[tuple[str, str]]:
    """Those that are made, and those on disk, that only draw: address, SVG."""
    paths = [path for path, _ in files.figures.links]
    texts = {path: files.texts.get(path) or _standing(folder / path) for path in paths}
    return [(path, text) for path, text in texts.items() if is_harmless(text)]


def _standing(path: Path) -> str:
    """ "" if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
