"""How carefully a radius must be tuned: validation accuracy over it, a panel per variant."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis.tables import RadiusEstimate, SearchRun, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Panel, body, panels
from sambench.render.figures.plot import Plot
from sambench.render.figures.search import text
from sambench.render.figures.style import INK, SMALL, SOFT, Look


def draw(sensitivity: pd.DataFrame, search: pd.DataFrame, look: Look) -> Plot | None:
    """Bands: radii within one standard error of the best. Dashed: the paper's default."""
    tried = [row for row in have(rows(search, SearchRun), "rho", "val_accuracy") if row.rho > 0]
    runs = by_variant(tried)
    found = {row.variant: row for row in rows(sensitivity, RadiusEstimate) if row.variant in runs}
    if not found:
        return None
    variants = look.sorted(list(found))
    plot = Plot(
        "sensitivity",
        "Sensitivity to the radius",
        f"Validation accuracy over the radius for {len(variants)} variants, with the radii within "
        "one standard error of the best and the papers' defaults.",
        "Validation accuracy in percent, all learning rates. Band: radii within one standard error "
        "of the best, its width in decades above it. Dashed: the paper's default.",
        body(len(variants), "x"),
    )
    scores = [100 * run.val_accuracy for variant in variants for run in runs[variant]]
    y = scales.Scale(*scales.limits(scores))
    axes = [(_scale(runs[variant], found[variant]), y) for variant in variants]
    places = panels(plot, variants, axes, look.baselines, "x", plot.body)
    for variant, panel in zip(variants, places, strict=True):
        _panel(plot, panel, runs[variant], found[variant], look)
    plot.text(LEFT, 0.1, "radius across (log scale)", size=SMALL)
    return plot


def _scale(runs: Sequence[SearchRun], found: RadiusEstimate) -> scales.Scale:
    marks = filter(known, (found.low, found.high, found.default))
    ends = [*(run.rho for run in runs), *(mark for mark in marks if mark > 0)]
    return scales.log_scale(min(ends), max(ends))


def _panel(
    plot: Plot, panel: Panel, runs: Sequence[SearchRun], found: RadiusEstimate, look: Look
) -> None:
    variant, default = found.variant, found.default
    colour = look.colour(variant)
    if known(found.low) and known(found.high):
        ends = panel.across(found.low), panel.across(found.high)
        plot.rectangle(*ends, panel.bottom, panel.top, color=colour, alpha=0.16, zorder=1)
    if known(default) and default > 0:
        x = panel.across(default)
        line = [((x, panel.bottom), (x, panel.top))]
        plot.strokes(line, color=INK, linewidth=1, linestyle=(0, (3, 2)), zorder=2)
    plot.points(
        panel.place,
        variant,
        [run.rho for run in runs],
        [100 * run.val_accuracy for run in runs],
        Mark(look.marker(variant) if look.told(variant) else "o", 16, colour, colour),
        [text(run) for run in runs],
    )
    if known(found.decades):
        words = f"{found.decades:.2g}"
        plot.text(panel.right, panel.top + 0.06, words, size=SMALL, ha="right", alpha=SOFT)
