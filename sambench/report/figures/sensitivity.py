"""How carefully a radius must be tuned: validation accuracy over it, a panel per variant."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sambench.report.figures import scales
from sambench.report.figures.frames import Row, by_variant, have, known, rows
from sambench.report.figures.panels import LEFT, body, panels
from sambench.report.figures.plot import Plot, grid, note
from sambench.report.figures.search import text
from sambench.report.figures.style import INK, SMALL, SOFT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(sensitivity: pd.DataFrame, search: pd.DataFrame, look: Look) -> Plot | None:
    """Bands: radii within one standard error of the best. Dashed: the paper's default."""
    tried = [row for row in have(rows(search), "rho", "val_accuracy") if row["rho"] > 0]
    runs = by_variant(tried)
    found = {row["variant"]: row for row in rows(sensitivity) if row["variant"] in runs}
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
    scores = [100 * run["val_accuracy"] for variant in variants for run in runs[variant]]
    places = panels(plot, variants, look.baselines, "x", plot.body)
    for variant, axes in zip(variants, places, strict=True):
        axes.set_ylim(*scales.limits(scores))
        _panel(plot, axes, runs[variant], found[variant], look)
    plot.text(LEFT, 0.1, "radius across (log scale)", size=SMALL)
    return plot


def _panel(plot: Plot, axes: "Axes", runs: Sequence[Row], found: Row, look: Look) -> None:
    variant, default = found["variant"], found["default"]
    colour = look.colour(variant)
    marks = [found[name] for name in ("low", "high", "default") if known(found[name])]
    ends = [*(run["rho"] for run in runs), *(mark for mark in marks if mark > 0)]
    scales.log(axes.xaxis, min(ends), max(ends))
    scales.linear(axes.yaxis, 4)
    grid(axes)
    if known(found["low"]) and known(found["high"]):
        axes.axvspan(found["low"], found["high"], color=colour, alpha=0.16, linewidth=0)
    if known(default) and default > 0:
        axes.axvline(default, color=INK, linewidth=1, linestyle=(0, (3, 2)))
    plot.points(
        axes,
        variant,
        [run["rho"] for run in runs],
        [100 * run["val_accuracy"] for run in runs],
        [text(run) for run in runs],
        marker=look.marker(variant) if look.told(variant) else "o",
        color=colour,
        s=16,
    )
    if known(found["decades"]):
        corner = axes.get_xlim()[1], axes.get_ylim()[1]
        words = f"{found['decades']:.2g}"
        note(axes, *corner, words, xytext=(0, 8), ha="right", alpha=SOFT, annotation_clip=False)
