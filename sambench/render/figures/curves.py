"""How the runs of each arm train: validation accuracy after each epoch."""

import pandas as pd

from sambench.analysis import numbers
from sambench.render.figures._rows import CurvePoint, rows
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot
from sambench.render.figures.scales import Scale, limits
from sambench.render.figures.style import Look


def draw(curves: pd.DataFrame, look: Look) -> Plot | None:
    """None where no run has two epochs."""
    found = have(rows(curves, CurvePoint), "mean")
    if len({row.epoch for row in found}) < 2:
        return None
    lines = Lines.of(map(_point, found), look)
    plot = Plot(
        "curves",
        "Training curves",
        f"Validation accuracy against epochs, a line for each of {len(lines.by_arm)} arms.",
        "Validation accuracy after each epoch of the reruns of each arm's best point: their mean, "
        "and its 95% t interval over reruns as a band."
        + ("" if lines.together else " Each arm stands before those of plain."),
        lines.body,
    )
    ends = [end for row in found for end in (row.mean, row.low, row.high) if known(end)]
    x = Scale(1, max(row.epoch for row in found))
    lines.draw(plot, x, Scale(*limits([100 * end for end in ends])), "epochs",
               "validation accuracy, %")  # fmt: skip
    return plot


def _point(row: CurvePoint) -> Point:
    text = f"{row.variant}, epoch {row.epoch} of {row.epochs}: {numbers.percent(row.mean)}%"
    if known(row.low) and known(row.high):
        text += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}], {row.n} runs"
    ends = (100 * end for end in (row.mean, row.low, row.high))
    return Point(row.variant, row.epoch, *ends, text)
