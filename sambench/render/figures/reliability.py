"""Reliability diagrams: accuracy by confidence, a panel for each arm."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Reliability, rows
from sambench.render.figures.known import by_variant, have
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import Layout, Panel, multiples
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.scales import Scale
from sambench.render.figures.style import INK, Look

BARS = 0.3  # of a panel's height, at most
KINDS = {"ece": "of equal width", "ece_adaptive": "of equal numbers of items"}


def draw(reliability: pd.DataFrame, look: Look) -> Plot | None:
    """Of the first measure that there is; None where nothing was measured."""
    every = have(rows(reliability, Reliability), "accuracy")
    measure = every[0].measure if every else ""
    found = by_variant(row for row in every if row.measure == measure)
    variants = [variant for variant in look.sorted(found) if look.told(variant)]
    if not variants:
        return None
    layout = Layout(len(variants))
    gaps = {variant: _gap(found[variant]) for variant in variants}
    best = min(gaps, key=lambda variant: gaps[variant])
    few = " The other arms are in reliability.csv." if len(variants) < len(found) else ""
    plot = Plot(
        "reliability",
        f"Reliability, bins {KINDS.get(measure, measure)}",
        f"Accuracy by confidence of {arms(len(variants))}, a panel for each; nearest to the "
        f"diagonal is {best}, {numbers.percent(gaps[best])} points away on average.",
        "Accuracy of the test items by the confidence of their predictions, over all measured "
        "runs of an arm, weighed as its score is. On the diagonal a model is right as often as it "
        f"says; below, it is too sure of itself. Bars: how many items a bin has.{few}",
        layout.body,
    )
    scale = Scale(0, 100, marks=(0, 50, 100))
    axes = [(scale, scale)] * len(variants)
    names = [("confidence, %", "accuracy, %")] * len(variants)
    places = multiples(plot, layout, variants, axes, names, look, plot.body)
    for variant, panel in zip(variants, places, strict=True):
        _panel(plot, panel, variant, found[variant], look)
    return plot


def _gap(bins: Sequence[Reliability]) -> float:
    """Mean distance of accuracy and confidence, by items."""
    return sum(row.images * abs(row.accuracy - row.confidence) for row in bins)


def _panel(plot: Plot, panel: Panel, variant: str, bins: Sequence[Reliability], look: Look) -> None:
    colour, most = look.colour(variant), max(row.images for row in bins)
    corners = [((panel.left, panel.bottom), (panel.right, panel.top))]
    plot.strokes(corners, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), alpha=0.6, zorder=1)
    half = panel.width / (3 * max(len(bins), 8))
    for row in bins:
        x, top = panel.across(100 * row.confidence), panel.height * BARS * row.images / most
        across, up = (max(x - half, panel.left), min(x + half, panel.right)), panel.bottom + top
        ends = [(across[0], panel.bottom), (across[0], up), (across[1], up)]
        plot.area([*ends, (across[1], panel.bottom)], color=colour, alpha=0.25, zorder=1)
    line = [(panel.across(100 * row.confidence), panel.up(100 * row.accuracy)) for row in bins]
    plot.strokes([line], color=colour, linewidth=1.2, zorder=3)
    xs, ys = [100 * row.confidence for row in bins], [100 * row.accuracy for row in bins]
    mark = Mark(look.marker(variant), 12, colour)
    plot.points(panel.place, variant, xs, ys, mark, [_text(row) for row in bins])


def _text(row: Reliability) -> str:
    sure, right = numbers.percent(row.confidence), numbers.percent(row.accuracy)
    share = numbers.percent(row.images)
    return f"{row.variant}: {sure}% sure, {right}% right, {share}% of the items"
