"""The figures of a study: SVG files for light and dark pages that carry their hover texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis.tables import RankedArm, rows
from sambench.errors import UserError
from sambench.files import write_atomically
from sambench.render.figures.known import thinned
from sambench.render.figures.style import Chosen, Look, css, settings
from sambench.scores import ACCURACY, Score

if TYPE_CHECKING:
    from sambench.render.figures.plot import Plot

__all__ = ["Chosen", "Drawn", "css", "draw", "render", "save"]

MOST = 200  # points of one arm: more say nothing more, and weigh
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Drawn:
    """A finished figure."""

    name: str  # of the file, without .svg
    title: str
    alt: str
    svg: str


def draw(
    tables: Tables,
    folder: str | Path,
    baselines: Sequence[str],
    chosen: Mapping[str, Chosen] | None = None,
    use: str = "",
    score: Score = ACCURACY,
) -> list[tuple[str, str]]:
    """Write FOLDER/*.svg; their paths as a page beside the folder links them, and alt texts."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = render(tables, baselines, chosen, use, score)
    for drawn in found:
        write_atomically(folder / f"{drawn.name}.svg", drawn.svg)
    return [(f"{folder.name}/{drawn.name}.svg", drawn.alt) for drawn in found]


def render(
    tables: Tables,
    baselines: Sequence[str],
    chosen: Mapping[str, Chosen] | None = None,
    use: str = "",
    score: Score = ACCURACY,
) -> tuple[Drawn, ...]:
    """All figures that the tables allow; the same tables give the same bytes.

    `baselines`: labels of the baseline's arms, the one that has its name first.
    `chosen`: each arm's setting to use. `use`: the arm that the study recommends, "" if none.
    `score`: what the study goes by.
    """
    from sambench.render.figures import svg

    return tuple(
        Drawn(plot.name, plot.title, plot.alt, svg.render(plot))
        for plot in _plots(tables, baselines, chosen, use, score)
    )


def save(
    name: str,
    path: str | Path,
    tables: Tables,
    baselines: Sequence[str],
    chosen: Mapping[str, Chosen] | None = None,
    use: str = "",
    score: Score = ACCURACY,
) -> None:
    """Write one of them for a paper, in the format that the path's suffix says."""
    from sambench.render.figures import paper

    for plot in _plots(tables, baselines, chosen, use, score):
        if plot.name == name:
            paper.save(plot, Path(path))


def _plots(
    tables: Tables,
    baselines: Sequence[str],
    chosen: Mapping[str, Chosen] | None,
    use: str,
    score: Score,
) -> "Iterator[Plot]":
    """Each while its settings hold."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError("figures need matplotlib: pip install 'sambench[figures]'") from None

    order = tuple(row.variant for row in rows(tables["ranking"], RankedArm))
    look = Look(order, tuple(baselines), use, chosen or {}, score)
    for name, make in _figures(tables, look):
        with settings(name):
            if plot := make():
                yield plot


def _figures(tables: Tables, look: Look) -> "Iterator[tuple[str, Callable[[], Plot | None]]]":
    """Name and maker of each, in the order of a page."""
    from sambench.render.figures import cost, curves, intervals, radius, search, tuning

    ranking, pool = tables["ranking"], thinned(tables["pool"], MOST, look.score)
    tuned = bool((pool["source"] == "study").any())
    yield "tuning", lambda: tuning.draw(tables["tuning"], look)
    yield "intervals", lambda: intervals.draw(ranking, look, tuned)
    yield "differences", lambda: intervals.differences(ranking, look)
    for column in cost.AXES:
        yield column, lambda column=column: cost.draw(tables["cost"], look, column, tuned)
    yield "search", lambda: search.draw(pool, tables["confirmed"], look)
    yield "radius", lambda: radius.draw(tables["profile"], tables["radius"], look)
    yield "curves", lambda: curves.draw(tables["curves"], look, tuned)
    yield from _measured(tables, look)


def _measured(tables: Tables, look: Look) -> "Iterator[tuple[str, Callable[[], Plot | None]]]":
    """Of weights, as far as studies measure them."""
    from sambench.render.figures import (
        confusion,
        memorisation,
        planes,
        reliability,
        severity,
        sharpness,
        slices,
    )

    if "sharpness" in tables and "correlation" in tables:
        yield "sharpness", lambda: sharpness.draw(tables["sharpness"], tables["correlation"], look)
    if "severity" in tables:
        corrupted = tables["severity"]
        for name in corrupted["measure"].drop_duplicates().tolist():
            yield f"severity-{name}", lambda name=name: severity.draw(corrupted, name, look)
    if "reliability" in tables:
        yield "reliability", lambda: reliability.draw(tables["reliability"], look)
    if "slices" in tables:
        yield "slices", lambda: slices.draw(tables["slices"], look)
        yield "planes", lambda: planes.draw(tables["slices"], look)
    if "memorisation" in tables:
        learned = tables["memorisation"]
        for name in learned["measure"].drop_duplicates().tolist():
            yield (
                f"memorisation-{name}",
                lambda name=name: memorisation.draw(learned, name, look),
            )
    if "confusion" in tables:
        yield "confusion", lambda: confusion.draw(tables["confusion"], look)
