"""What is written about a study, as texts by file name, and how files are brought to hold it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sambench.analysis import PublishedStudy, written
from sambench.files import write_atomically
from sambench.render import drawing, ownership
from sambench.render.drawing import Drawing
from sambench.render.markdown import page
from sambench.render.ownership import is_ours


@dataclass(frozen=True)
class StudyFiles:
    """The page NAME.md, and the tables and figures in the folder NAME."""

    name: str
    texts: dict[str, str]
    """by file name"""
    figures: Drawing

    def obsolete(self, folder: Path) -> list[Path]:
        """Our figures that are no longer made, if they were compared."""
        found = [] if self.figures.kept else sorted((folder / self.name).glob("*.svg"))
        gone = [path for path in found if f"{self.name}/{path.name}" not in self.texts]
        return [path for path in gone if is_ours(path)]


def study_files(name: str, study: PublishedStudy, folder: Path) -> StudyFiles:
    """Of a study whose page is, or will be, FOLDER/NAME.md."""
    tables = {table: written(frame) for table, frame in study.tables.items()}
    figures = drawing.draw(name, study, tables, folder)
    texts = {f"{name}/{table}.csv": text for table, text in tables.items()} | figures.texts
    texts[f"{name}.md"] = page.render(study, figures.links)
    return StudyFiles(name, texts, figures)


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
