"""What tuning with a budget, and training with what was found, is worth over the budget."""

import math
from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import TuningPoint, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import INK, Look
from sambench.scores import Score

TOLD = 6  # arms whose scores the text for those who cannot see the figure has


def draw(tuning: pd.DataFrame, look: Look) -> Plot | None:
    """None where no arm is shown at more than one number of trials."""
    found = have(rows(tuning, TuningPoint), "score")
    score = look.score
    lines = Lines.of((_point(row, score) for row in found), look, ends=True)
    curves = sum(len(line) > 1 for line in lines.by_arm.values())
    if not curves:
        return None
    plot = Plot(
        "tuning",
        "What a budget for tuning buys",
        f"Expected test {score.words} of tuned training against the budget: "
        f"{arms(len(lines.by_arm))}, {curves} of them with a curve. {_scores(found, look)}",
        _caption(lines, score.words),
        lines.body,
    )
    ends = [end for row in found for end in (row.score, row.band_low, row.band_high)]
    x = _budgets([row.evaluations for row in found])
    y = scales.score_scale([score.scale * end for end in ends if known(end)], score)
    across = "budget, in full runs of plain (log scale)"
    panel = lines.draw(plot, x, y, across, score.named("test"))
    edge = [((panel.right, panel.bottom), (panel.right, panel.top))]
    plot.strokes(edge, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=2)
    return plot


def _scores(found: Sequence[TuningPoint], look: Look) -> str:
    """At the study's budget, the best ones."""
    budget = max(row.evaluations for row in found)
    scores = {row.variant: row.score for row in found if row.evaluations == budget}
    best = sorted(look.sorted(scores), key=lambda variant: -look.score.sign * scores[variant])
    told = [f"{v} {numbers.told(scores[v], look.score)}" for v in best[:TOLD]]
    first = f"The best {len(told)} a" if len(scores) > TOLD else "A"
    return f"{first}t the study's budget: {numbers.listing(told)}."


def _caption(lines: Lines, score: str) -> str:
    """Of what there is."""
    apart = "each arm there, side by side"
    if len(lines.apart) < len(lines.by_arm):
        apart = "each arm there: in colour and plain side by side, then all others in one place"
    words = [
        f"Expected test {score} of the winner of as many random trials as the budget affords. "
        f"Dashed, upright: the study's budget; right of it {apart}."
    ]
    marks = ["bands"] * bool(lines.banded) + ["bars"] * bool(lines.barred)
    if marks:
        kinds = " and ".join(marks).capitalize()
        words += [f"{kinds}: 95%, simultaneous over all arms and budgets shown."]
    return " ".join(words)


def _budgets(found: Sequence[float]) -> scales.Scale:
    """By doubling up to the study's, which is the largest."""
    low, high = min(found), max(found)
    doublings = math.floor(round(math.log2(high / low), 6))
    ticks = tuple(high / 2**i for i in reversed(range(doublings + 1)))
    if not doublings:
        ticks = (low, *ticks)
    return scales.Scale(low, high, log=True, marks=ticks)


def _point(row: TuningPoint, score: Score) -> Point:
    budget = f"{row.trials:.4g} trials for {row.evaluations:.4g} runs of plain"
    text = f"{row.variant}, {budget}: {numbers.told(row.score, score)}"
    if known(row.low) and known(row.high):
        text += f" [{numbers.score(row.low, score)}, {numbers.score(row.high, score)}]"
    value, low, high = (score.scale * own for own in (row.score, row.band_low, row.band_high))
    return Point(row.variant, row.evaluations, value, low, high, text)
