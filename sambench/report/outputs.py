"""What is written about a study, as texts by file name."""

from dataclasses import dataclass
from pathlib import Path

from sambench.report import drawing, evidence, page
from sambench.report.boards import Board
from sambench.report.evidence import Evidence
from sambench.report.tidy import csv_text


@dataclass(frozen=True)
class Outputs:
    """Texts by file name, what they rest on, and a note where figures on disk were left alone."""

    texts: dict[str, str]
    evidence: Evidence
    note: str = ""


def outputs(name: str, board: Board, folder: Path) -> Outputs:
    """The page NAME.md, and the tables and figures in the folder NAME."""
    found = evidence.gather(board.records)
    tables = {table: csv_text(frame) for table, frame in found.tables.items()}
    figures = drawing.draw(name, board.analysis, found.tables, tables, folder)
    found = found.drawn(figures.links)
    texts = {f"{name}/{table}.csv": text for table, text in tables.items()} | figures.texts
    texts[f"{name}.md"] = page.render(board.analysis, found)
    return Outputs(texts, found, figures.kept)
