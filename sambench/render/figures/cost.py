"""Tuned scores against what a run costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import RunCost, rows
from sambench.render.figures import labels, scales
from sambench.render.figures.known import have
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import ABOVE, BELOW, LEFT, RIGHT, Panel, single
from sambench.render.figures.plot import LINE, WIDTH, Plot, arms, inches
from sambench.render.figures.style import Look

HEIGHT = 2.2  # inches of a panel whose names have room
LOG_ABOVE = 6.0  # costs that differ by more are drawn on a log scale
STEP = 0.05  # inches between arms that cost the same
MANY = 12  # arms that all have intervals
AXES = {  # column -> file name, title, axis, how many of it are one that is drawn
    "ratio": ("cost", "Score and compute", "gradient evaluations of a run, plain being 1", 1.0),
    "wall_s": ("cost-time", "Score and time", "seconds of a run", 1.0),
    "peak_memory": ("cost-memory", "Score and memory", "peak memory of a run, MiB", 2.0**20),
}


@dataclass(frozen=True)
class Arms:
    """Where those of the figure stand: cost and score as they are shown, best first."""

    at: Mapping[str, tuple[float, float]]
    bars: Mapping[str, tuple[float, float]]
    """of whom intervals are drawn"""
    look: Look

    @classmethod
    def of(cls, found: Sequence[RunCost], column: str, unit: float, look: Look) -> Self:
        scale = look.score.scale
        at = {row.variant: (getattr(row, column) / unit, scale * row.score) for row in found}
        barred = [row for row in found if len(found) <= MANY or look.told(row.variant)]
        whole = have(barred, "low", "high")
        bars = {row.variant: (scale * row.low, scale * row.high) for row in whole}
        return cls({label: at[label] for label in look.sorted(at)}, bars, look)

    def panel(self, width: float, height: float) -> Panel:
        costs = [x for x, _ in self.at.values()]
        ends = [y for bar in self.bars.values() for y in bar]
        x = scales.Scale(*scales.limits(costs, 0.12))
        if max(costs) / min(costs) > LOG_ABOVE:
            x = scales.log_scale(min(costs), max(costs))
        y = scales.score_scale([*(y for _, y in self.at.values()), *ends], self.look.score)
        return Panel(LEFT, BELOW, width, height, x, y)

    def place(self, panel: Panel) -> dict[str, labels.Place]:
        """In inches: those with intervals off each other."""
        places = {label: (panel.across(x), panel.up(y)) for label, (x, y) in self.at.items()}
        barred = [label for label in places if label in self.bars]
        # the best of equal ones first, from the left
        across = labels.spread([-places[label][0] for label in barred], STEP, -panel.right, 0)
        apart = {label: (-x, places[label][1]) for label, x in zip(barred, across, strict=True)}
        return places | apart

    def are_apart(self, panel: Panel) -> bool:
        """Whether any does not stand where its cost says."""
        found = self.place(panel)
        return any(abs(found[v][0] - panel.across(x)) > 1e-3 for v, (x, _) in self.at.items())

    def names(self, panel: Panel) -> dict[str, labels.Box]:
        """Of those that have room beside their point, off all points and bars."""
        places = self.place(panel)
        dots = [_around(x, y, x, y, 0.055) for x, y in places.values()]
        bars = [
            _around(places[label][0], panel.up(low), places[label][0], panel.up(high), 0.01)
            for label, (low, high) in self.bars.items()
        ]
        frame = panel.left, panel.bottom, panel.right, panel.top
        order = sorted(self.at, key=lambda label: not self.look.told(label))
        return labels.beside(places, order, frame, [*dots, *bars], self.look)


def draw(cost: pd.DataFrame, look: Look, column: str, tuned: bool) -> Plot | None:
    """By one of the costs; None if fewer than two arms have it. tuned: else settings are fixed"""
    name, title, words, unit = AXES[column]
    found = [row for row in have(rows(cost, RunCost), "score", column) if getattr(row, column) > 0]
    if len(found) < 2:
        return None
    points = Arms.of(found, column, unit, look)
    panel, beside = _layout(points)
    across = f"{words} (log scale)" if panel.x.log else words
    score = look.score
    best = max(found, key=lambda row: score.sign * row.score)
    plot = Plot(
        name,
        title,
        f"Test {score.words} of {arms(len(found))} against {words}; {best.variant} has the "
        f"{score.best}, {numbers.told(best.score, score)} at "
        f"{scales.plain(points.at[best.variant][0])}.",
        _caption(points, panel, tuned, score.words),
        BELOW + panel.height + LINE + ABOVE,
    )
    single(plot, panel, across, score.named("test"))
    texts = {
        row.variant: f"{row.variant}: {numbers.told(row.score, score)} "
        f"at {scales.plain(points.at[row.variant][0])} {words}{look.configuration(row.variant)}"
        for row in found
    }
    places = points.place(panel)
    for label in reversed(list(points.at)):
        _point(plot, panel, label, points, places[label], texts[label])
    for label, (left, bottom, _, top) in beside.items():
        labels.write(plot, (left, (bottom + top) / 2), label, look)
    ends = {v: [places[v], (panel.right, places[v][1])] for v in points.at if v not in beside}
    labels.column(plot, ends, panel.right + 0.12, (panel.bottom, panel.top), look)
    return plot


def _layout(points: Arms) -> tuple[Panel, dict[str, labels.Box]]:
    """As wide as can be: what has no room in it stands in a column beside it."""
    panel = points.panel(WIDTH - LEFT - RIGHT, HEIGHT)
    beside = points.names(panel)
    if others := [label for label in points.at if label not in beside]:
        width = WIDTH - LEFT - 0.12 - labels.column_width(points.at, points.look)
        panel = points.panel(width, max(HEIGHT, labels.column_height(others)))
        beside = points.names(panel)
    return panel, beside


def _caption(points: Arms, panel: Panel, tuned: bool, score: str) -> str:
    """Of what there is."""
    what = f"Mean test {score} over seeds"
    if tuned:
        what = f"Expected test {score} of tuned training at the study's budget, one for all"
    whose = "each" if len(points.bars) == len(points.at) else "those in colour and of plain"
    bars = f", with the 95% interval of {whose} alone" if points.bars else ""
    apart = " Those of like cost stand side by side." * points.are_apart(panel)
    return f"{what}{bars}, over the cost of one run.{apart}"


def _point(plot: Plot, panel: Panel, label: str, points: Arms, at: labels.Place, text: str) -> None:
    look, colour = points.look, points.look.colour(label)
    if bar := points.bars.get(label):
        ends = [[(at[0], panel.up(end)) for end in bar]]
        plot.strokes(ends, color=colour, linewidth=1, alpha=0.5, zorder=2)
    area = 26 if look.told(label) else 14
    mark = Mark(look.marker(label), area, colour, colour, alpha=look.alpha(label))
    plot.points(inches, label, [at[0]], [at[1]], mark, [text])


def _around(x0: float, y0: float, x1: float, y1: float, room: float) -> labels.Box:
    return min(x0, x1) - room, min(y0, y1) - room, max(x0, x1) + room, max(y0, y1) + room
