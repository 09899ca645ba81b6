"""Leaderboards for other programs and for papers: markdown, CSV, JSON, LaTeX."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from sambench.report import boards, latex, page
from sambench.report.boards import Board


def render(
    form: str, folder: Path, chosen: Collection[str] = ()
) -> tuple[str, list[str], list[str]]:
    """The studies of a folder, or those chosen, as text; damaged lines and unreadable files."""
    boards.check_names(folder, chosen)
    names = chosen or boards.names_in(folder)
    found = boards.load(folder, names)
    return FORMATS[form](list(found.read.values())), *found.problems(names)


def _markdown(chosen: Sequence[Board]) -> str:
    return "\n".join(page.render(board.analysis) for board in chosen)


def _json(chosen: Sequence[Board]) -> str:
    """A list, also of a single study."""
    return json.dumps([asdict(board.analysis) for board in chosen], indent=1) + "\n"


def _latex(chosen: Sequence[Board]) -> str:
    return "\n".join(latex.table(board.analysis) for board in chosen)


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "md": _markdown,
    "json": _json,
    "latex": _latex,
}
