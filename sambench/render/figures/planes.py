"""The training loss on a random plane through the weights: plain beside the arm to use."""

import math

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Position, rows
from sambench.render.figures.known import by_variant, have
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import Layout, multiples
from sambench.render.figures.plot import Plot
from sambench.render.figures.scales import Scale
from sambench.render.figures.style import Look

LEVELS = 12  # of shade


def draw(slices: pd.DataFrame, look: Look) -> Plot | None:
    """None where nothing was measured on planes."""
    found = by_variant(have(rows(slices, Position), "loss", "y"))
    order = look.sorted(found)
    bases = [variant for variant in order if variant in look.baselines][:1]
    others = [variant for variant in order if variant not in look.baselines]
    variants = bases + sorted(others, key=lambda variant: variant != look.use)[:1]
    if not variants:
        return None
    shown = {v: [row for row in found[v] if 0 < row.loss < math.inf] for v in variants}
    losses = [row.loss for own in shown.values() for row in own]
    low, high = min(losses), max(losses)
    layout, reach = Layout(len(variants)), max(row.x for row in found[variants[0]])
    plot = Plot(
        "planes",
        "The training loss on a plane",
        f"Mean training loss on a random plane through the weights of {numbers.listing(variants)}, "
        f"a panel for each, from {numbers.setting(low)} to {numbers.setting(high)}.",
        "Mean training loss at the weights plus so much of two random directions whose filters "
        "have the norms of the weights' filters, mean over runs; darker: more, in equal steps of "
        f"its logarithm from {numbers.setting(low)} to {numbers.setting(high)}.",
        layout.body,
    )
    side = math.isqrt(len(found[variants[0]]))
    end = reach * side / (side - 1)
    scale = Scale(-end, end, marks=(-reach, 0, reach))
    names = [("position 1", "position 2")] * len(variants)
    axes = [(scale, scale)] * len(variants)
    for (variant, own), panel in zip(
        shown.items(), multiples(plot, layout, variants, axes, names, look, plot.body), strict=True
    ):
        area = (72 * min(panel.width, panel.height) / side) ** 2
        levels: dict[int, list[Position]] = {}
        for row in own:
            share = math.log(row.loss / low) / math.log(high / low) if high > low else 0.0
            levels.setdefault(round(LEVELS * share), []).append(row)
        for level, cells in sorted(levels.items()):
            mark = Mark("s", area, look.colour(variant), alpha=0.05 + 0.9 * level / LEVELS)
            xs, ys = [row.x for row in cells], [row.y for row in cells]
            texts = [f"{variant}: {numbers.setting(row.loss)}" for row in cells]
            plot.points(panel.place, f"{variant}-{level}", xs, ys, mark, texts)
    return plot
