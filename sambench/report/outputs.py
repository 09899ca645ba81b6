"""What is written about a study, as texts by file name."""

from sambench.report import evidence, page
from sambench.report.boards import Board
from sambench.report.tidy import csv_text


def outputs(name: str, board: Board) -> dict[str, str]:
    """The page NAME.md, and the tables and figures in the folder NAME."""
    found = evidence.gather(board.records)
    texts = {f"{name}/{table}.csv": csv_text(frame) for table, frame in found.tables.items()}
    texts[f"{name}.md"] = page.render(board.analysis, found)
    return texts
