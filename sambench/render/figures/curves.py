"""How each arm trains with its setting to use: validation accuracy after each epoch."""

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import CurvePoint, rows
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.scales import Scale, limits
from sambench.render.figures.style import Look

FEW = 5  # epochs that all have ticks
ROOM = 0.12
"""For bands: that of a few runs is cut at the panel's edge."""


def draw(curves: pd.DataFrame, look: Look, tuned: bool) -> Plot | None:
    """None where no run has two epochs. tuned: else settings are fixed"""
    found = have(rows(curves, CurvePoint), "mean")
    if len({row.epoch for row in found}) < 2:
        return None
    lines = Lines.of(map(_point, found), look)
    whose = "each arm's setting to use" if tuned else "each arm"
    plot = Plot(
        "curves",
        "Training curves",
        f"Validation accuracy against epochs, a line for each of {arms(len(lines.by_arm))}.",
        f"Validation accuracy after each epoch of the runs of {whose}: mean over the runs, with "
        "its 95% t interval as a band."
        + ("" if lines.together else " A panel shows an arm before those of plain."),
        lines.body,
    )
    last = max(row.epoch for row in found)
    x = Scale(1, last, marks=tuple(range(1, last + 1)) if last <= FEW else ())
    lines.draw(plot, x, Scale(*limits([100 * row.mean for row in found], ROOM)), "epochs",
               "validation accuracy, %")  # fmt: skip
    return plot


def _point(row: CurvePoint) -> Point:
    text = f"{row.variant}, epoch {row.epoch} of {row.epochs}: {numbers.percent(row.mean)}%"
    if known(row.low) and known(row.high):
        text += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}], {row.n} runs"
    return Point(row.variant, row.epoch, 100 * row.mean, 100 * row.low, 100 * row.high, text)
