"""Leaderboards for other programs and for papers: markdown, CSV, JSON, LaTeX."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from sambench.analysis import Board, written
from sambench.analysis import published as boards
from sambench.render import latex
from sambench.render.attachments import gather
from sambench.render.folder import check_names, names_in, published
from sambench.render.markdown import page


def render(
    form: str, folder: Path, chosen: Collection[str] = ()
) -> tuple[str, list[str], list[str]]:
    """The studies of a folder, or those chosen, as text; damaged lines and unreadable files."""
    check_names(Path(folder), chosen)
    folder = published(folder)
    names = chosen or names_in(folder)
    found = boards.load(folder, names)
    return FORMATS[form](list(found.read.values())), *found.problems(names)


def _markdown(chosen: Sequence[Board]) -> str:
    return "\n".join(
        page.render(board.analysis, gather(board.records), board.path.stem) for board in chosen
    )


def _csv(chosen: Sequence[Board]) -> str:
    """The tidy rankings, one below the other."""
    rankings = []
    for board in chosen:
        ranking = gather(board.records).tables["ranking"]
        ranking.insert(0, "study", board.analysis.study)
        rankings.append(ranking)
    return written(pd.concat(rankings, ignore_index=True)) if rankings else ""


def _json(chosen: Sequence[Board]) -> str:
    """A list, also of a single study."""
    return json.dumps([asdict(board.analysis) for board in chosen], indent=1) + "\n"


def _latex(chosen: Sequence[Board]) -> str:
    return "\n".join(latex.table(board.analysis) for board in chosen)


FORMATS: dict[str, Callable[[Sequence[Board]], str]] = {
    "md": _markdown,
    "csv": _csv,
    "json": _json,
    "latex": _latex,
}
