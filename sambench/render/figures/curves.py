"""How the runs of each arm train: validation accuracy after each epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis import numbers
from sambench.render.figures._rows import CurvePoint, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.labels import spread
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import WIDTH, Plot, grid, note, shorten, width_of
from sambench.render.figures.style import SMALL, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BODY, LEFT, BOTTOM = 2.7, 0.62, 0.5
GAP = 0.145  # inches between the labels at the lines' ends
FEW = 15  # points of a line that get full markers
MOST = 60  # points of a line
Lines = Mapping[str, Sequence[CurvePoint]]


def draw(curves: pd.DataFrame, look: Look) -> Plot | None:
    """None where no run has two epochs."""
    found = have(rows(curves, CurvePoint), "mean")
    if len({row.epoch for row in found}) < 2:
        return None
    lines = {v: sorted(own, key=lambda row: row.epoch) for v, own in by_variant(found).items()}
    plot = Plot(
        "curves",
        "Training curves",
        f"Validation accuracy against epochs, a line for each of {len(lines)} arms.",
        "Validation accuracy after each epoch of the reruns of each arm's best point: mean, and "
        "95% t interval over reruns as a band.",
        BODY,
    )
    order = look.sorted(lines)
    told = [variant for variant in order if look.told(variant)]
    right = width_of(map(shorten, told), SMALL) + 0.22
    height = BODY - BOTTOM - 0.08
    axes = plot.axes(LEFT, BOTTOM, WIDTH - LEFT - right, height)
    axes.set_xlim(1, max(row.epoch for row in found))
    ends = [end for row in found for end in (row.mean, row.low, row.high) if known(end)]
    axes.set_ylim(*scales.limits([100 * end for end in ends]))
    axes.set_xlabel("epochs")
    axes.set_ylabel("validation accuracy, %")
    scales.linear(axes.xaxis, whole=True)
    scales.linear(axes.yaxis)
    grid(axes)
    for variant in reversed(order):
        _line(plot, axes, variant, lines[variant], look)
    _names(axes, {variant: lines[variant][-1] for variant in told}, look, GAP / height)
    return plot


def _line(plot: Plot, axes: "Axes", variant: str, line: Sequence[CurvePoint], look: Look) -> None:
    colour, told, alpha = look.colour(variant), look.told(variant), look.alpha(variant)
    band = have(line, "low", "high")
    if told and band:
        low, high = [100 * row.low for row in band], [100 * row.high for row in band]
        ground = [row.epoch for row in band]
        axes.fill_between(ground, low, high, color=colour, alpha=0.1, linewidth=0, zorder=1)
    axes.plot(
        [row.epoch for row in line],
        [100 * row.mean for row in line],
        color=colour,
        linewidth=1.6 if told else 0.7,
        linestyle=look.dashes(variant),
        alpha=alpha,
        zorder=3 if told else 2,
    )
    shown = line[:: -(-len(line) // MOST)]
    plot.points(
        axes.transData.transform,
        variant,
        [row.epoch for row in shown],
        [100 * row.mean for row in shown],
        Mark(look.marker(variant), 12 if told and len(shown) <= FEW else 5, colour, alpha=alpha),
        [_text(row) + look.configuration(variant) for row in shown],
    )


def _names(axes: "Axes", ends: Mapping[str, CurvePoint], look: Look, gap: float) -> None:
    """Each line's name right of the axes, with a thin leader to where it ends."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    edge = right + 0.035 * (right - left)
    wanted = [100 * row.mean for row in ends.values()]
    places = spread(wanted, gap * (top - bottom), bottom, top)
    for (variant, end), y in zip(ends.items(), places, strict=True):
        leader = {"color": look.colour(variant), "linewidth": 0.6, "alpha": 0.6, "clip_on": False}
        axes.plot([end.epoch, edge], [100 * end.mean, y], zorder=1, **leader)
        style = {"annotation_clip": False, "fontweight": look.weight(variant)}
        note(axes, edge, y, shorten(variant), xytext=(3, 0), **style)


def _text(row: CurvePoint) -> str:
    score = f"{row.variant}, epoch {row.epoch} of {row.epochs}: {numbers.percent(row.mean)}%"
    if known(row.low) and known(row.high):
        score += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}]"
    return score
