"""What items of each class are taken for: plain beside the arm to use."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Confused, rows
from sambench.render.figures.known import by_variant, have
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import Layout, Panel, multiples
from sambench.render.figures.plot import Plot
from sambench.render.figures.scales import Scale, whole
from sambench.render.figures.style import Look

STEPS = 20  # sizes of a square


def draw(confusion: pd.DataFrame, look: Look) -> Plot | None:
    """None where nothing was measured, or a class had no item."""
    found = by_variant(have(rows(confusion, Confused), "share"))
    variants = _two(found, look)
    if not variants:
        return None
    classes = 1 + max(row.true_class for row in found[variants[0]])
    worst = {variant: _worst(found[variant]) for variant in variants}
    told = [
        f"{v}: {numbers.percent(row.share)}% of class {row.true_class} as {row.predicted_class}"
        for v, row in worst.items()
        if row is not None
    ]
    layout = Layout(len(variants))
    plot = Plot(
        "confusion",
        "What is taken for what",
        f"Confusion of {classes} classes, a panel for each of {numbers.listing(variants)}. Most "
        f"often confused, {'; '.join(told)}."
        if told
        else "Nothing is confused.",
        "Of the test items of each class, the share that is taken for each class, as the area of "
        "a square; on the diagonal: rightly. Classes are numbered as in the data.",
        layout.body,
    )
    across = Scale(-0.5, classes - 0.5, marks=whole(0, classes - 1, 10))
    axes = [(across, across)] * len(variants)
    names = [("predicted class", "true class")] * len(variants)
    places = multiples(plot, layout, variants, axes, names, look, plot.body)
    for variant, panel in zip(variants, places, strict=True):
        _panel(plot, panel, variant, found[variant], classes, look)
    return plot


def _two(found: dict[str, list[Confused]], look: Look) -> list[str]:
    """The best arm of the baseline, and the one to use, or else the best of the others."""
    order = look.sorted(found)
    base = [variant for variant in order if variant in look.baselines][:1]
    others = [variant for variant in order if variant not in look.baselines]
    return base + sorted(others, key=lambda variant: variant != look.use)[:1]


def _worst(found: Sequence[Confused]) -> Confused | None:
    wrong = [row for row in found if row.true_class != row.predicted_class and row.share > 0]
    return max(wrong, key=lambda row: row.share, default=None)


def _panel(
    plot: Plot, panel: Panel, variant: str, found: Sequence[Confused], classes: int, look: Look
) -> None:
    cell = 72 * 0.95 * min(panel.width, panel.height) / classes
    sizes: dict[int, list[Confused]] = {}
    for row in found:
        if step := round(STEPS * row.share**0.5):
            sizes.setdefault(step, []).append(row)
    for step, own in sorted(sizes.items()):
        mark = Mark("s", (cell * step / STEPS) ** 2, look.colour(variant))
        xs, ys = [row.predicted_class for row in own], [row.true_class for row in own]
        plot.points(panel.place, f"{variant}-{step}", xs, ys, mark, [_text(row) for row in own])


def _text(row: Confused) -> str:
    share = numbers.percent(row.share)
    return f"{row.variant}: {share}% of class {row.true_class} taken for {row.predicted_class}"
