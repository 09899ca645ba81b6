"""Leaderboards for other programs and for papers: markdown, CSV, JSON, LaTeX."""

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pandas as pd

from sambench.analysis import PublishedStudy, as_data, published, written
from sambench.render import latex
from sambench.render.leaderboards_folder import check_folder, check_names, places
from sambench.render.markdown import page


def render(
    form: str, folder: Path, chosen: Collection[str] = ()
) -> tuple[str, list[str], list[str]]:
    """The studies of a folder, or those chosen, as text; damaged lines and unreadable files."""
    check_names(Path(folder), chosen)
    folder = check_folder(folder)
    at = places(folder)
    names = chosen or list(at)
    found = published.load({name: at[name].folder / at[name].records for name in names})
    return FORMATS[form](list(found.read.values())), *found.problems(names)


def _markdown(chosen: Sequence[PublishedStudy]) -> str:
    return "\n".join(page.render(study) for study in chosen)


def _csv(chosen: Sequence[PublishedStudy]) -> str:
    """The tidy rankings, one below the other."""
    rankings = []
    for study in chosen:
        ranking = study.tables["ranking"].copy()
        ranking.insert(0, "study", study.leaderboard.study)
        rankings.append(ranking)
    return written(pd.concat(rankings, ignore_index=True)) if rankings else ""


def _json(chosen: Sequence[PublishedStudy]) -> str:
    """A list, also of a single study."""
    return json.dumps([as_data(study.leaderboard) for study in chosen], indent=1) + "\n"


def _latex(chosen: Sequence[PublishedStudy]) -> str:
    return "\n".join(latex.table(study.leaderboard) for study in chosen)


FORMATS: dict[str, Callable[[Sequence[PublishedStudy]], str]] = {
    "md": _markdown,
    "csv": _csv,
    "json": _json,
    "latex": _latex,
}
