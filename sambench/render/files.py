"""What is written about a study, as texts by file name, and how files are brought to hold it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sambench.analysis import Board, written
from sambench.files import write_atomically
from sambench.render import attachments, drawing, ownership
from sambench.render.attachments import Evidence
from sambench.render.markdown import page
from sambench.render.ownership import is_ours


@dataclass(frozen=True)
class Outputs:
    """The page NAME.md, and the tables and figures in the folder NAME."""

    name: str
    texts: dict[str, str]
    """by file name"""
    evidence: Evidence
    note: str = ""
    """why figures on disk were left alone"""

    def left(self, folder: Path) -> list[Path]:
        """Our figures that are no longer made, if they were compared."""
        found = [] if self.note else sorted((folder / self.name).glob("*.svg"))
        gone = [path for path in found if f"{self.name}/{path.name}" not in self.texts]
        return [path for path in gone if is_ours(path)]


def outputs(name: str, board: Board, folder: Path) -> Outputs:
    """Of a study whose page is, or will be, FOLDER/NAME.md."""
    found = attachments.gather(board.records)
    tables = {table: written(frame) for table, frame in found.tables.items()}
    figures = drawing.draw(name, board.analysis, found.tables, tables, folder)
    found = found.drawn(figures.links)
    texts = {f"{name}/{table}.csv": text for table, text in tables.items()} | figures.texts
    texts[f"{name}.md"] = page.render(board.analysis, found, name)
    return Outputs(name, texts, found, figures.kept)


def bring(
    texts: Mapping[Path, str], left: Iterable[Path] = (), *, check: bool = False
) -> list[Path]:
    """Writes the files that do not hold their text and removes those left; with `check` neither.

    Returns these files. UserError, and nothing is written, if one of them is not ours.
    """
    stale = [path for path, text in texts.items() if not _holds(path, text)]
    ownership.check({path: texts[path] for path in stale})
    stale += left
    for path in stale if not check else ():
        write_atomically(path, texts[path]) if path in texts else path.unlink()
    return stale


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
