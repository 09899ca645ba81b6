"""How each arm trains with its setting to use: its validation score after each epoch."""

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import CurvePoint, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import Look
from sambench.scores import Score

ROOM = 0.12
"""For bands: that of a few runs is cut at the panel's edge."""


def draw(curves: pd.DataFrame, look: Look, tuned: bool) -> Plot | None:
    """None where no run has two epochs. tuned: else settings are fixed"""
    found = have(rows(curves, CurvePoint), "mean")
    if len({row.epoch for row in found}) < 2:
        return None
    lines = Lines.of((_point(row, look.score) for row in found), look)
    last = max(row.epoch for row in found)
    ends = {row.variant: row.mean for row in sorted(found, key=lambda row: row.epoch)}
    score = look.score
    best = max(ends, key=lambda variant: score.sign * ends[variant])
    whose = "each arm's setting to use" if tuned else "each arm"
    y = scales.score_scale([score.scale * row.mean for row in found], score, ROOM)
    bands = ", with its 95% t interval as a band" if lines.banded else ""
    if any(bands and y.cuts(score.scale * end) for row in found for end in (row.low, row.high)):
        bands += ", cut at the edge of the panel"
    each = f"Validation {score.words} after each epoch"
    plot = Plot(
        "curves",
        "Training curves",
        f"{each} of {arms(len(ends))}, a line for each; {best} ends {score.best}, at "
        f"{numbers.told(ends[best], score)}.",
        f"{each} of the runs of {whose}: mean over the runs{bands}.",
        lines.body,
    )
    x = scales.Scale(1, last, marks=scales.whole(1, last))
    lines.draw(plot, x, y, "epochs", score.named("validation"))
    return plot


def _point(row: CurvePoint, score: Score) -> Point:
    text = f"{row.variant}, epoch {row.epoch} of {row.epochs}: {numbers.told(row.mean, score)}"
    if known(row.low) and known(row.high):
        text += (
            f" [{numbers.score(row.low, score)}, {numbers.score(row.high, score)}], {row.n} runs"
        )
    mean, low, high = (score.scale * value for value in (row.mean, row.low, row.high))
    return Point(row.variant, row.epoch, mean, low, high, text)
