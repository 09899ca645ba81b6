"""The figures of a study: SVG files for light and dark pages that carry their hover texts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis.tables import RankedVariant, rows
from sambench.errors import UserError
from sambench.files import write_atomically
from sambench.render.figures.known import have, known, thinned
from sambench.render.figures.style import Look, css, settings

if TYPE_CHECKING:
    from sambench.render.figures.plot import Plot

__all__ = ["Drawn", "css", "draw", "render"]

EQUAL_COMPUTE, EQUAL_EPOCHS = "equal-compute", "equal-epochs"
MOST = 100  # runs of one variant: more say nothing more, and weigh
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Drawn:
    """A finished figure."""

    name: str  # of the file, without .svg
    title: str
    alt: str
    svg: str


def draw(
    tables: Tables, folder: str | Path, configurations: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Write FOLDER/*.svg; their paths as a page beside the folder links them, and alt texts."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = render(tables, configurations)
    for drawn in found:
        write_atomically(folder / f"{drawn.name}.svg", drawn.svg)
    return [(f"{folder.name}/{drawn.name}.svg", drawn.alt) for drawn in found]


def render(tables: Tables, configurations: Mapping[str, str] | None = None) -> tuple[Drawn, ...]:
    """All figures that the tables allow; the same tables give the same bytes.

    `configurations` (variant -> "lr 0.1, rho 0.05, 10 epochs") goes into the hover texts.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError("figures need matplotlib: pip install 'sambench[figures]'") from None
    from sambench.render.figures import svg

    look = _look(tables, configurations or {})
    found = []
    for name, make in _figures(tables, look):
        with settings(name):
            if plot := make():
                found.append(Drawn(plot.name, plot.title, plot.alt, svg.render(plot)))
    return tuple(found)


def _look(tables: Tables, configurations: Mapping[str, str]) -> Look:
    measured = sorted(
        have(rows(tables["ranking"], RankedVariant), "mean"),
        key=lambda row: row.ranking != EQUAL_COMPUTE,
    )
    baselines = frozenset(row.variant for row in measured if not known(row.difference))
    order = dict.fromkeys(row.variant for row in measured)
    return Look(tuple(order), baselines, configurations)


def _figures(tables: Tables, look: Look) -> "Iterator[tuple[str, Callable[[], Plot | None]]]":
    """Name and maker of each, in the order of a page."""
    from sambench.render.figures import cost, intervals, lines, sensitivity
    from sambench.render.figures import search as search_

    compute, epochs = (_only(tables["ranking"], which) for which in (EQUAL_COMPUTE, EQUAL_EPOCHS))
    results = thinned(_only(tables["results"], EQUAL_COMPUTE), MOST)
    search = thinned(tables["search"], MOST)
    yield "accuracy", lambda: intervals.accuracy(compute, results, look)
    yield "differences", lambda: intervals.differences(compute, look)
    if _baseline(epochs) != _baseline(compute):  # else the two rankings are one
        same = "differences-equal-epochs"
        yield same, lambda: intervals.differences(epochs, look, same)
    for column in cost.AXES:
        yield column, lambda column=column: cost.draw(tables["cost"], compute, look, column)
    yield "search", lambda: search_.draw(search, look)
    yield "sensitivity", lambda: sensitivity.draw(tables["sensitivity"], search, look)
    yield "budget", lambda: lines.budget(tables["budget"], look)
    yield "curves", lambda: lines.curves(tables["curves"], look)


def _baseline(ranking: pd.DataFrame) -> list[str]:
    found = have(rows(ranking, RankedVariant), "mean")
    return [row.variant for row in found if not known(row.difference)]


def _only(frame: pd.DataFrame, ranking: str) -> pd.DataFrame:
    return frame.loc[list(frame["ranking"] == ranking)]
