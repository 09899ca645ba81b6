"""What is written about a study, as texts by file name."""

from sambench.report import page
from sambench.report.boards import Board


def outputs(name: str, board: Board) -> dict[str, str]:
    """The page NAME.md, and the files of the folder NAME."""
    return {f"{name}.md": page.render(board.analysis)}
