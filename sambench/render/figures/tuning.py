"""What tuning with a budget, and training with what was found, is worth over the budget."""

import math
from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import TuningPoint, rows
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.scales import Scale, limits
from sambench.render.figures.style import INK, Look


def draw(tuning: pd.DataFrame, look: Look) -> Plot | None:
    """None where no arm is shown at more than one number of trials."""
    found = have(rows(tuning, TuningPoint), "score")
    lines = Lines.of(map(_point, found), look, ends=True)
    if all(len(line) < 2 for line in lines.by_arm.values()):
        return None
    budget = max(row.evaluations for row in found)
    scores = {row.variant: row.score for row in found if row.evaluations == budget}
    told = [f"{v} {numbers.percent(scores[v])}%" for v in look.sorted(scores)]
    plot = Plot(
        "tuning",
        "What a budget for tuning buys",
        "Expected test accuracy of tuned training against the budget, a line for each of "
        f"{arms(len(lines.by_arm))}; at the study's budget {numbers.listing(told)}.",
        _caption(lines, any(known(row.band_low) for row in found)),
        lines.body,
    )
    ends = [end for row in found for end in (row.score, row.band_low, row.band_high)]
    x = _budgets([row.evaluations for row in found])
    y = Scale(*limits([100 * end for end in ends if known(end)]))
    for panel in lines.draw(plot, x, y, "budget, in full runs of plain", "test accuracy, %"):
        edge = [((panel.right, panel.bottom), (panel.right, panel.top))]
        plot.strokes(edge, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=2)
    return plot


def _caption(lines: Lines, banded: bool) -> str:
    words = [
        "Expected test accuracy of the winner of as many random trials as the budget affords. "
        "Upright: the study's budget; right of it each arm there, side by side."
    ]
    if banded:
        words += ["Bands and bars: 95%, simultaneous over all arms and budgets shown."]
    if not lines.together:
        words += ["A panel shows an arm before those of plain."]
    return " ".join(words)


def _budgets(found: Sequence[float]) -> Scale:
    """By doubling up to the study's, which is the largest."""
    low, high = min(found), max(found)
    doublings = math.floor(round(math.log2(high / low), 6))
    ticks = tuple(high / 2**i for i in reversed(range(doublings + 1)))
    return Scale(low, high, log=True, marks=ticks)


def _point(row: TuningPoint) -> Point:
    budget = f"{row.trials:.4g} trials for {row.evaluations:.4g} runs of plain"
    text = f"{row.variant}, {budget}: {numbers.percent(row.score)}%"
    if known(row.low) and known(row.high):
        text += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}]"
    low, high = 100 * row.band_low, 100 * row.band_high
    return Point(row.variant, row.evaluations, 100 * row.score, low, high, text)
