"""How many wrong labels each arm has learned after an epoch, and how many it sees through."""

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Learned, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import Look

ROOM = 0.12
"""For bands."""
WHAT = {
    "memorised": ("Wrong labels that are learned", "predicted as their wrong label", "least"),
    "corrected": ("Wrong labels that are seen through", "predicted as what they show", "most"),
}
"""Quantity -> title, what its items are, what is good."""


def draw(learned: pd.DataFrame, name: str, look: Look) -> Plot | None:
    """None where no run has two epochs."""
    found = [row for row in have(rows(learned, Learned), "share") if row.measure == name]
    if len({row.epoch for row in found}) < 2:
        return None
    title, what, good = WHAT.get(name, (name, name, "most"))
    lines = Lines.of(map(_point, found), look)
    ends = {row.variant: row.share for row in sorted(found, key=lambda row: row.epoch)}
    best = (min if good == "least" else max)(ends, key=lambda variant: ends[variant])
    bands = ", bands: the 95% interval of each arm alone" if lines.banded else ""
    plot = Plot(
        f"memorisation-{name}",
        title,
        f"Share of training items with a wrong label that are {what}, after each epoch of "
        f"{arms(len(ends))}; of {best} it is {good} at the end, {numbers.percent(ends[best])}%.",
        f"Of the training items with a wrong label, the share that is {what}, after each epoch of "
        f"the reruns: weighed as the score is{bands}.",
        lines.body,
    )
    last = max(row.epoch for row in found)
    x = scales.Scale(1, last, marks=scales.whole(1, last))
    y = scales.share_scale([100 * row.share for row in found], ROOM)
    lines.draw(plot, x, y, "epochs", f"{what}, %")
    return plot


def _point(row: Learned) -> Point:
    text = f"{row.variant}, epoch {row.epoch} of {row.epochs}: {numbers.percent(row.share)}%"
    if known(row.low) and known(row.high):
        text += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}]"
    return Point(row.variant, row.epoch, 100 * row.share, 100 * row.low, 100 * row.high, text)
