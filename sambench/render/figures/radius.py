"""How carefully a radius must be tuned: the surface's best score along it, a panel per arm."""

from collections.abc import Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import ProfilePoint, Radius, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Layout, Panel, panels
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import INK, SMALL, Look


def draw(profiles: pd.DataFrame, radius: pd.DataFrame, look: Look) -> Plot | None:
    """A standard error as a band; the paper's default dashed; a bar where a run cannot tell."""
    found = by_variant(have(rows(profiles, ProfilePoint), "value", "score", "se"))
    if not found:
        return None
    estimates = {row.variant: row for row in rows(radius, Radius)}
    variants = look.sorted(found)
    layout = Layout(len(variants), own="x", named=True)
    plot = Plot(
        "radius",
        "How carefully a radius must be tuned",
        f"Expected validation accuracy along the radius for {arms(len(variants))}, all else at its "
        "best, with the papers' defaults.",
        "Validation accuracy that a surface through all points expects, at the best values "
        "of what else was searched; band: one standard error of the surface. Dashed: the "
        "paper's default. Bar below: radii that a single run cannot tell from the best.",
        layout.body,
    )
    profile = [row for own in found.values() for row in own]
    ends = [100 * (row.score + side * row.se) for row in profile for side in (-1, 1)]
    y = scales.Scale(*scales.limits(ends))
    axes = [(_scale(found[variant], estimates.get(variant)), y) for variant in variants]
    names = [f"over {found[variant][0].radius}" for variant in variants]
    places = panels(plot, layout, variants, axes, look, plot.body, names)
    for variant, panel in zip(variants, places, strict=True):
        _panel(plot, panel, found[variant], estimates.get(variant), look)
    plot.text(LEFT, 0.1, "radius across, validation accuracy in percent upwards", size=SMALL)
    return plot


def _scale(profile: Sequence[ProfilePoint], found: Radius | None) -> scales.Scale:
    """Logarithmic where the radii are all > 0 and span much."""
    ends = [row.value for row in profile]
    if found and known(found.default):
        ends.append(found.default)
    if min(ends) > 0:
        return scales.log_scale(min(ends), max(ends))
    return scales.Scale(*scales.limits(ends))


def _panel(
    plot: Plot,
    panel: Panel,
    profile: Sequence[ProfilePoint],
    found: Radius | None,
    look: Look,
) -> None:
    variant = profile[0].variant
    colour = look.colour(variant)
    line = sorted(profile, key=lambda row: row.value)
    across = [panel.across(row.value) for row in line]
    below = [panel.up(100 * (row.score - row.se)) for row in line]
    above = [panel.up(100 * (row.score + row.se)) for row in line]
    corners = [*zip(across, below, strict=True), *reversed(list(zip(across, above, strict=True)))]
    plot.area(corners, color=colour, alpha=0.16, zorder=1)
    middle = [(panel.across(row.value), panel.up(100 * row.score)) for row in line]
    plot.strokes([middle], color=colour, linewidth=1.4, zorder=3)
    if found and known(found.default):
        x = panel.across(found.default)
        default = [((x, panel.bottom), (x, panel.top))]
        plot.strokes(default, color=INK, linewidth=1, linestyle=(0, (3, 2)), zorder=2)
    if found and known(found.low) and known(found.high):
        y = panel.bottom + 0.03
        bar = [((panel.across(found.low), y), (panel.across(found.high), y))]
        plot.strokes(bar, color=colour, linewidth=3, alpha=0.6, capstyle="butt", zorder=3)
    plot.points(
        panel.place,
        variant,
        [row.value for row in line],
        [100 * row.score for row in line],
        Mark("o", 6, colour),
        [text(row) for row in line],
    )


def text(row: ProfilePoint) -> str:
    """What the surface expects at a radius."""
    score = f"{numbers.percent(row.score)} ± {numbers.percent(row.se)}% validation expected"
    return f"{row.variant}, {row.radius} {numbers.setting(row.value)}: {score}"
