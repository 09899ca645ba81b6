"""How carefully a radius must be tuned: the surface's best score along it, a panel per arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import ProfilePoint, Radius, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import Layout, Panel, multiples
from sambench.render.figures.plot import Plot, arms, inches
from sambench.render.figures.style import INK, Look
from sambench.scores import Score

TOLD = 6  # arms whose setting the text for those who cannot see the figure has
DEFAULT = Mark("v", 26, None, INK, 1.0)


@dataclass(frozen=True)
class Profile:
    """An arm's, between the radii that it ran."""

    points: Sequence[ProfilePoint]
    """by their radius"""
    default: float | None
    """of the paper"""
    bar: tuple[float, float] | None
    """radii that a single run cannot tell apart"""
    use: float | None
    """of the setting to use"""

    @property
    def radius(self) -> str:
        return self.points[0].radius

    @property
    def scale(self) -> scales.Scale:
        """Logarithmic where the radii are all > 0."""
        ends = [row.value for row in self.points]
        ends += [end for end in (self.default, self.use) if end is not None]
        if min(ends) > 0:
            return scales.log_scale(min(ends), max(ends))
        return scales.Scale(*scales.limits(ends))


def draw(profiles: pd.DataFrame, radius: pd.DataFrame, look: Look) -> Plot | None:
    """None where no arm has a curve between its radii."""
    found = _found(profiles, radius, look)
    if not found:
        return None
    every = [row for own in found.values() for row in own.points]
    layout = Layout(len(found), own="x")
    plot = Plot(
        "radius",
        "How carefully a radius must be tuned",
        f"Expected validation {look.score.words} along the radius of {arms(len(found))}, a panel "
        f"for each, all else at its best{_marked(found)}.",
        _caption(found, look.score.words),
        layout.body,
    )
    scale = look.score.scale
    ends = [scale * (row.score + side * row.se) for row in every for side in (-1, 1)]
    y = scales.score_scale(ends, look.score)
    axes = [(own.scale, y) for own in found.values()]
    names = [
        (f"{own.radius}{' (log)' * x.log}", look.score.named("validation"))
        for own, (x, _) in zip(found.values(), axes, strict=True)
    ]
    places = multiples(plot, layout, list(found), axes, names, look, plot.body)
    for (variant, own), panel in zip(found.items(), places, strict=True):
        _panel(plot, panel, variant, own, look)
    return plot


def _found(profiles: pd.DataFrame, radius: pd.DataFrame, look: Look) -> dict[str, Profile]:
    """In the order of the ranking."""
    estimates = {row.variant: row for row in rows(radius, Radius)}
    known_points = by_variant(have(rows(profiles, ProfilePoint), "value", "score", "se"))
    found = {}
    for variant in look.sorted(known_points):
        points = sorted(known_points[variant], key=lambda row: row.value)
        if len(points) > 1:
            chosen = look.chosen.get(variant)
            use = chosen.rho if chosen else None
            found[variant] = _profile(points, estimates.get(variant), use)
    return found


def _profile(points: Sequence[ProfilePoint], estimate: Radius | None, use: float | None) -> Profile:
    if estimate is None:
        return Profile(points, None, None, use)
    low = max(estimate.low, points[0].value)
    high = min(estimate.high, points[-1].value)
    default = estimate.default if known(estimate.default) else None
    return Profile(points, default, (low, high) if low < high else None, use)


def _marked(found: Mapping[str, Profile]) -> str:
    """What is marked along the curves."""
    used = {v: own for v, own in found.items() if own.use is not None}
    told = [f"{v} {own.radius} {numbers.setting(own.use)}" for v, own in used.items()][:TOLD]
    settings = f"settings to use ({'; '.join(told)}{'; …' * (len(told) < len(used))})"
    marks = [settings] * bool(used)
    marks += ["the paper's default"] * any(own.default is not None for own in found.values())
    return f", with {numbers.listing(marks)} marked" if marks else ""


def _caption(found: Mapping[str, Profile], score: str) -> str:
    """Of what there is."""
    words = [
        f"Validation {score} that a surface through all points expects, at the best values of what "
        "else was searched, between the radii that ran; band: one standard error of the surface."
    ]
    if any(own.use is not None for own in found.values()):
        words += ["Solid, upright: the setting to use."]
    if any(own.default is not None for own in found.values()):
        words += ["Dashed: the paper's default."]
    if any(own.bar for own in found.values()):
        words += ["Bar below: radii that a single run cannot tell apart."]
    return " ".join(words)


def _panel(plot: Plot, panel: Panel, variant: str, own: Profile, look: Look) -> None:
    colour, scale = look.colour(variant), look.score.scale
    across = [panel.across(row.value) for row in own.points]
    below = [panel.up(scale * (row.score - row.se)) for row in own.points]
    above = [panel.up(scale * (row.score + row.se)) for row in own.points]
    corners = [*zip(across, below, strict=True), *reversed(list(zip(across, above, strict=True)))]
    plot.area(corners, color=colour, alpha=0.16, zorder=1)
    middle = [(panel.across(row.value), panel.up(scale * row.score)) for row in own.points]
    plot.strokes([middle], color=colour, linewidth=1.4, zorder=3)
    if own.bar:
        y = panel.bottom + 0.03
        bar = [((panel.across(own.bar[0]), y), (panel.across(own.bar[1]), y))]
        plot.strokes(bar, color=colour, linewidth=3, alpha=0.6, capstyle="butt", zorder=3)
    xs, ys = [row.value for row in own.points], [scale * row.score for row in own.points]
    mark = Mark("o", 6, colour)
    plot.points(panel.place, variant, xs, ys, mark, [text(row, look.score) for row in own.points])
    if own.default is not None:
        told = f"{variant}: the paper's default, {own.radius} {numbers.setting(own.default)}"
        style = {"color": INK, "linewidth": 1, "linestyle": (0, (3, 2)), "zorder": 2}
        _upright(plot, panel, own.default, style, f"{variant}-default", DEFAULT, told)
    if own.use is not None:
        told = f"{variant}: the setting to use, {own.radius} {numbers.setting(own.use)}"
        style = {"color": colour, "linewidth": 1.2, "zorder": 2}
        mark = Mark("v", 26, colour, colour, 1.0)
        _upright(plot, panel, own.use, style, f"{variant}-use", mark, told)


def _upright(
    plot: Plot, panel: Panel, at: float, style: dict[str, object], name: str, mark: Mark, told: str
) -> None:
    """A line from the axis to the top, with a mark there that can be pointed at."""
    x = panel.across(at)
    plot.strokes([((x, panel.bottom), (x, panel.top))], **style)
    plot.points(inches, name, [x], [panel.top - 0.04], mark, [told])


def text(row: ProfilePoint, of: Score) -> str:
    """What the surface expects at a radius."""
    score, error = (numbers.score(value, of) for value in (row.score, row.se))
    told = f"{score} ± {error}{'%' * of.in_percent} validation expected"
    return f"{row.variant}, {row.radius} {numbers.setting(row.value)}: {told}"
