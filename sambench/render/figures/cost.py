"""Tuned scores against what a run costs."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import RunCost, rows
from sambench.render.figures import labels, scales
from sambench.render.figures.known import have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import LETTER, WIDTH, Plot, grid, note, shorten
from sambench.render.figures.style import INK, SMALL, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
BODY, LEFT, BOTTOM, RIGHT = 2.7, 0.62, 0.5, 0.12
LOG_ABOVE = 6.0  # costs that differ by more are drawn on a log scale
MANY = 12  # arms that all have labels
AXES = {  # column -> file name, title, axis, how many of it are one that is drawn
    "ratio": ("cost", "Score and compute", "gradient evaluations of a run, plain being 1", 1.0),
    "wall_s": ("cost-time", "Score and time", "seconds of a run", 1.0),
    "peak_memory": ("cost-memory", "Score and memory", "MiB of peak memory", 2.0**20),
}


def draw(cost: pd.DataFrame, look: Look, column: str, tuned: bool) -> Plot | None:
    """By one of the costs; None if fewer than two arms have it. tuned: else settings are fixed"""
    name, title, words, unit = AXES[column]
    found = [row for row in have(rows(cost, RunCost), "score", column) if getattr(row, column) > 0]
    if len(found) < 2:
        return None
    at = {row.variant: (getattr(row, column) / unit, 100 * row.score) for row in found}
    what = "Expected test accuracy of tuned training at the study's budget, one for all"
    if not tuned:
        what = "Mean test accuracy over seeds"
    best = max(found, key=lambda row: row.score)
    plot = Plot(
        name,
        title,
        f"Test accuracy of {len(found)} arms against {words}; {best.variant} has the highest.",
        f"{what}, with the 95% interval of each alone, over the cost of one run.",
        BODY,
    )
    bars = {
        row.variant: (100 * row.low, 100 * row.high)
        for row in found
        if known(row.low) and known(row.high)
    }
    texts = {
        row.variant: f"{row.variant}: {numbers.percent(row.score)}% "
        f"at {scales.plain(at[row.variant][0])} {words}"
        for row in found
    }
    axes = plot.axes(LEFT, BOTTOM, WIDTH - LEFT - RIGHT, BODY - BOTTOM - 0.08)
    _scale(axes, at, bars, words)
    for label in sorted(at, key=lambda v: (at[v], v)):
        _point(plot, axes, label, at[label], bars.get(label), look, texts[label])
    strokes = [[(at[v][0], end) for end in ends] for v, ends in bars.items()]
    chosen = [v for v in look.sorted(at) if look.told(v) or len(at) <= MANY]
    _labels(axes, at, chosen, look, strokes)
    return plot


def _scale(axes: "Axes", at: dict[str, Point], bars: dict[str, Point], words: str) -> None:
    xs, ys = zip(*at.values(), strict=True)
    if max(xs) / min(xs) > LOG_ABOVE:
        scales.log(axes.xaxis, min(xs), max(xs))
    else:
        axes.set_xlim(*scales.limits(xs, 0.12))
        scales.linear(axes.xaxis)
    axes.set_ylim(*scales.limits([*ys, *(end for ends in bars.values() for end in ends)]))
    scales.linear(axes.yaxis)
    axes.set_xlabel(words)
    axes.set_ylabel("test accuracy, %")
    grid(axes)


def _point(
    plot: Plot, axes: "Axes", label: str, at: Point, ends: Point | None, look: Look, text: str
) -> None:
    colour, told = look.colour(label), look.told(label)
    if ends:
        axes.plot([at[0]] * 2, ends, color=colour, linewidth=1, alpha=0.35, zorder=2)
    shape, area = (look.marker(label), 34) if told else ("o", 14)
    plot.points(
        axes.transData.transform,
        label,
        [at[0]],
        [at[1]],
        Mark(shape, area, colour, colour, alpha=look.alpha(label)),
        [text + look.configuration(label)],
    )


def _labels(
    axes: "Axes",
    at: dict[str, Point],
    chosen: Sequence[str],
    look: Look,
    strokes: Sequence[Sequence[Point]],
) -> None:
    """Names beside their points, off all other points and lines."""

    def canvas(point: Point) -> Point:
        x, y = axes.transData.transform(point)  # in points, as there are 72 dots per inch
        return round(float(x), 6), round(float(y), 6)  # not the last bits of a transformation

    places = {label: canvas(point) for label, point in at.items()}
    dots = [_around(place, place, 4) for place in places.values()]
    lines = [_around(canvas(a), canvas(b), 1) for line in strokes for a, b in pairwise(line)]
    frame = axes.get_window_extent()
    boxes = labels.place(
        [places[label] for label in chosen],
        [(len(shorten(label)) * LETTER * SMALL + 5, SMALL * 1.2) for label in chosen],
        (frame.x0, frame.y0, frame.x1 + 6, frame.y1),
        [*dots, *lines],
    )
    for label, box in zip(chosen, boxes, strict=True):
        x, y = places[label]
        dx, dy = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
        far = max(abs(dx) - (box[2] - box[0]) / 2, abs(dy)) > 14
        leader = {"arrowstyle": "-", "color": INK, "alpha": 0.5, "linewidth": 0.5}
        note(
            axes,
            *at[label],
            shorten(label),
            xytext=(dx, dy),
            ha="center",
            fontweight=look.weight(label),
            arrowprops={**leader, "shrinkA": 0, "shrinkB": 3} if far else None,
        )


def _around(a: Point, b: Point, room: float) -> labels.Box:
    (x0, y0), (x1, y1) = a, b
    return min(x0, x1) - room, min(y0, y1) - room, max(x0, x1) + room, max(y0, y1) + room
