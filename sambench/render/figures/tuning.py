"""What tuning with a budget and training with what was found is worth, over the budget.

Few arms share a panel; of many, each has its own, before the baseline's arms.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.render.figures._rows import TuningPoint, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.labels import spread
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Layout, Panel, panels
from sambench.render.figures.plot import LINE, Plot, inches, shorten, width_of
from sambench.render.figures.style import INK, SMALL, Look

FEW = 6  # arms that share a panel
GAP = 0.145  # inches between names
STEP, AWAY = 0.085, 0.07  # inches between arms at the budget, and before the first and the last
BACK = 0.55  # opacity of the baseline's arms behind another's

Lines = Mapping[str, Sequence[TuningPoint]]


def draw(tuning: pd.DataFrame, look: Look) -> Plot | None:
    """None where no arm affords a choice of trials."""
    found = by_variant(have(rows(tuning, TuningPoint), "score"))
    lines = {v: sorted(own, key=lambda row: row.evaluations) for v, own in found.items()}
    order = look.sorted(lines)
    if all(len(line) < 2 for line in lines.values()):
        return None
    rivals = [label for label in order if label not in look.baselines]
    bases = [label for label in look.baselines if label in lines]
    together = len(order) <= FEW or not rivals or not bases
    shown = [order] if together else [look.sorted([*bases, label]) for label in rivals]
    banded = any(known(row.band_low) for line in lines.values() for row in line)
    names = width_of(map(shorten, order), SMALL) + 0.14 if together else 0.0
    beside = 2 * AWAY + STEP * (max(map(len, shown)) - 1) + names
    layout = Layout(len(shown), beside=beside)
    key = 0.0 if together else LINE
    plot = Plot(
        "tuning",
        "What a budget for tuning buys",
        f"Expected test accuracy of tuned training over the budget, for {len(order)} arms: "
        f"{_ends(order, lines)}.",
        _caption(together, banded),
        layout.body + key,
    )
    if not together:
        _key(plot, bases, look)
    axes = _scales([row for line in lines.values() for row in line])
    titles = [""] if together else rivals
    places = panels(plot, layout, titles, [axes] * len(shown), look, plot.body - key)
    for panel, labels in zip(places, shown, strict=True):
        own = {label: lines[label] for label in labels}
        _panel(plot, panel, own, look, fore=not together)
        if together:
            _names(plot, panel, own, look)
    plot.text(LEFT, 0.1, "budget in full runs of plain across, test accuracy in percent upwards",
              size=SMALL)  # fmt: skip
    return plot


def _ends(order: Sequence[str], lines: Lines) -> str:
    """What each arm has at its largest budget."""
    ends = {label: lines[label][-1] for label in order}
    return numbers.listing([f"{v} {numbers.percent(row.score)}%" for v, row in ends.items()])


def _caption(together: bool, banded: bool) -> str:
    words = (
        "Expected test accuracy of the winner of as many random trials as the budget affords. "
        "Dashed: the study's budget; right of it each arm there. "
    )
    if banded:
        words += "Bands and bars: 95%, simultaneous over all arms and budgets shown."
    return words if together else f"{words} Each arm before those of plain."


def _scales(points: Sequence[TuningPoint]) -> tuple[scales.Scale, scales.Scale]:
    """Budgets by doubling, as ticks too, up to the study's; scores with their bands."""
    budgets = [row.evaluations for row in points]
    low, high = min(budgets), max(budgets)
    doublings = math.floor(round(math.log2(high / low), 6))
    ticks = tuple(high / 2**i for i in reversed(range(doublings + 1)))
    ends = [end for row in points for end in (row.score, row.band_low, row.band_high)]
    x = scales.Scale(low, high, log=True, marks=ticks)
    return x, scales.Scale(*scales.limits([100 * end for end in ends if known(end)]))


def _panel(plot: Plot, panel: Panel, lines: Lines, look: Look, *, fore: bool) -> None:
    """fore: the baseline's arms stand behind the others"""
    edge = [((panel.right, panel.bottom), (panel.right, panel.top))]
    plot.strokes(edge, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=2)
    for place, label in reversed(list(enumerate(lines))):
        behind = fore and label in look.baselines
        _line(plot, panel, label, lines[label], look, behind)
        x = panel.right + AWAY + STEP * place
        _end(plot, panel, x, label, lines[label][-1], look, behind)


def _line(
    plot: Plot, panel: Panel, label: str, line: Sequence[TuningPoint], look: Look, behind: bool
) -> None:
    colour = look.colour(label)
    band = have(line, "band_low", "band_high")
    if not behind and look.told(label) and len(band) > 1:
        below = [(panel.across(row.evaluations), panel.up(100 * row.band_low)) for row in band]
        above = [(panel.across(row.evaluations), panel.up(100 * row.band_high)) for row in band]
        plot.area([*below, *reversed(above)], color=colour, alpha=0.1, zorder=1)
    ends = [(panel.across(row.evaluations), panel.up(100 * row.score)) for row in line]
    plot.strokes(
        [ends],
        color=colour,
        linewidth=1.6 if not behind else 0.9,
        linestyle=look.dashes(label),
        alpha=BACK if behind else look.alpha(label),
        zorder=2 if behind else 3,
    )
    inner = [row for row in line if row.evaluations < panel.x.high]
    plot.points(
        panel.place,
        label,
        [row.evaluations for row in inner],
        [100 * row.score for row in inner],
        Mark(look.marker(label), 5, colour, alpha=BACK if behind else look.alpha(label)),
        [text(row) + look.configuration(label) for row in inner],
    )


def _end(
    plot: Plot, panel: Panel, x: float, label: str, end: TuningPoint, look: Look, behind: bool
) -> None:
    """An arm at the study's budget."""
    colour, alpha = look.colour(label), BACK if behind else look.alpha(label)
    if known(end.band_low) and known(end.band_high):
        bar = [((x, panel.up(100 * end.band_low)), (x, panel.up(100 * end.band_high)))]
        plot.strokes(bar, color=colour, linewidth=1.1, alpha=0.8 * alpha, zorder=3)
    plot.points(
        inches,
        f"{label}-end",
        [x],
        [panel.up(100 * end.score)],
        Mark(look.marker(label), 8 if behind else 20, colour, alpha=alpha),
        [text(end) + look.configuration(label)],
    )


def _names(plot: Plot, panel: Panel, lines: Lines, look: Look) -> None:
    """Right of the arms at the budget, with thin leaders to where the lines end."""
    ups = [panel.up(100 * line[-1].score) for line in lines.values()]
    places = spread(ups, GAP, panel.bottom, panel.top)
    first = panel.right + AWAY
    last = first + STEP * (len(lines) - 1) + AWAY
    for i, (label, up, at) in enumerate(zip(lines, ups, places, strict=True)):
        leader = [(first + STEP * i, up), (last, at)]
        plot.strokes([leader], color=look.colour(label), linewidth=0.6, alpha=0.6, zorder=1)
        style = {"size": SMALL, "weight": look.weight(label), "va": "center_baseline"}
        plot.text(last + 0.04, at, shorten(label), **style)


def _key(plot: Plot, bases: Sequence[str], look: Look) -> None:
    """Samples of the lines of the baseline's arms, which stand in every panel."""
    x, y = LEFT, plot.body - 0.07
    for label in bases:
        sample = [((x, y), (x + 0.28, y))]
        plot.strokes(sample, color=INK, linewidth=1.1, linestyle=look.dashes(label), alpha=BACK)
        plot.text(x + 0.33, y, shorten(label), size=SMALL, va="center_baseline")
        x += 0.33 + width_of([shorten(label)], SMALL) + 0.16


def text(row: TuningPoint) -> str:
    """What an arm has with a budget."""
    budget = f"{row.trials:.4g} trials, {row.evaluations:.4g} runs of plain"
    score = f"{row.variant}, {budget}: {numbers.percent(row.score)}%"
    if known(row.band_low) and known(row.band_high):
        score += f" [{numbers.percent(row.band_low)}, {numbers.percent(row.band_high)}]"
    return score
