"""What is written about a study, as texts by file name, and how files are brought to hold it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sambench.analysis import PublishedStudy, written
from sambench.files import write_atomically
from sambench.render import drawing, ownership
from sambench.render.drawing import Drawing
from sambench.render.markdown import page
from sambench.render.ownership import is_ours
from sambench.render.place import Place

if TYPE_CHECKING:
    from variants import VariantInfo

Infos: TypeAlias = "Mapping[str, VariantInfo] | None"
"""What is known of the variants, by key; None: no interactive pages."""


@dataclass(frozen=True)
class StudyFiles:
    """Both pages, and the tables and figures of the first."""

    place: Place
    texts: dict[Path, str]
    figures: Drawing

    @property
    def obsolete(self) -> list[Path]:
        """Our figures that are no longer made, if they were compared."""
        folder = self.place.folder / self.place.page
        found = [] if self.figures.kept else sorted(folder.glob("*.svg"))
        return [path for path in found if path not in self.texts and is_ours(path)]


def study_files(place: Place, study: PublishedStudy, infos: Infos = None) -> StudyFiles:
    """Of a study that has, or will have, its files there."""
    name = place.page
    tables = {table: written(frame) for table, frame in study.tables.items()}
    figures = drawing.draw(name, study, tables, place.folder)
    texts = {f"{name}/{table}.csv": text for table, text in tables.items()} | figures.texts
    texts[f"{name}.md"] = page.render(study, figures.links)
    if infos is not None:
        from sambench.render import html

        texts[place.web] = html.study(study, place, figures, infos)
    return StudyFiles(place, {place.folder / path: own for path, own in texts.items()}, figures)


def sync(
    texts: Mapping[Path, str], obsolete: Iterable[Path] = (), *, check: bool = False
) -> list[Path]:
    """Writes the files that do not hold their text, removes the obsolete; with `check` neither.

    Returns these files. UserError, and nothing is written, if one of them is not ours.
    """
    stale = [path for path, text in texts.items() if not _holds(path, text)]
    ownership.check({path: texts[path] for path in stale})
    stale += obsolete
    for path in stale if not check else ():
        write_atomically(path, texts[path]) if path in texts else path.unlink()
    return stale


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
