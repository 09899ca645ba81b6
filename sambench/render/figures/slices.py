"""The training loss along a random line through the weights, a line for each arm."""

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Position, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import Look


def draw(slices: pd.DataFrame, look: Look) -> Plot | None:
    """None where nothing was measured along lines."""
    found = [row for row in have(rows(slices, Position), "loss") if not known(row.y)]
    if not found:
        return None
    lines = Lines.of(map(_point, found), look)
    middle = {row.variant: row.loss for row in found if row.x == 0}
    ends = {row.variant: row.loss for row in found if row.x == max(own.x for own in found)}
    flattest = min(ends, key=lambda variant: ends[variant] - middle.get(variant, 0.0))
    reach = max(row.x for row in found)
    plot = Plot(
        "slices",
        "Slices of the training loss",
        f"Mean training loss along random lines through the weights of {arms(len(lines.by_arm))}; "
        f"{flattest} rises least from the weights to {reach:g}.",
        "Mean training loss at the weights plus so much of a random direction whose filters have "
        "the norms of the weights' filters, mean over runs"
        f"{', bands: the 95% interval of each arm alone' * bool(lines.banded)}. One line of very "
        "many through each network.",
        lines.body,
    )
    x = scales.Scale(min(row.x for row in found), reach)
    y = scales.Scale(*scales.limits([row.loss for row in found]))
    lines.draw(plot, x, y, "position, in norms of the filters", "training loss")
    return plot


def _point(row: Position) -> Point:
    text = f"{row.variant}, at {row.x:g}: {numbers.setting(row.loss)}"
    if known(row.low) and known(row.high):
        text += f" [{numbers.setting(row.low)}, {numbers.setting(row.high)}]"
    return Point(row.variant, row.x, row.loss, row.low, row.high, text)
