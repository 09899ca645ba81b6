"""The pool: where the points of each arm lie, and what they score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import PoolRun, SettingRun, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Layout, Panel, panels
from sambench.render.figures.plot import Plot, arms, inches
from sambench.render.figures.style import INK, SMALL, WARNING, Look

STEPS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Of cividis; larger and brighter is better, and each holds as many points."""
RADIUS, SCORE = "radius", "validation, %"
SCALE = 0.3  # inches for the legend
CROSS = Mark("x", 24, edge=WARNING, width=1.5)
RING = Mark("o", 120, edge=INK, width=1)


class Spot(NamedTuple):
    """A run, and where it stands in its panel."""

    run: PoolRun
    x: float
    y: float


def draw(pool: pd.DataFrame, setting: pd.DataFrame, look: Look) -> Plot | None:
    """A panel per arm; None where nothing was scored."""
    runs = {v: own for v, own in by_variant(rows(pool, PoolRun)).items() if any(map(_scored, own))}
    if not runs:
        return None
    variants = look.sorted(runs)
    spots = {variant: _spots(runs[variant]) for variant in variants}
    every = [spot for own in spots.values() for spot in own]
    lost = sum(_diverged(spot.run) for spot in every)
    chosen = {run.variant: run for run in rows(setting, SettingRun)}
    layout = Layout(len(variants), own="y", named=True)
    plot = Plot(
        "search",
        "Where the points lie",
        "Validation accuracy of each arm's points over learning rate and radius, a panel for each "
        f"of {arms(len(variants))}; {lost} runs diverged.",
        _caption(every, lost > 0, bool(chosen)),
        layout.body + SCALE,
    )
    bounds = _bounds([spot.run.val for spot in every if _scored(spot.run)])
    _legend(plot, bounds)
    rates = [spot.x for spot in every] + [chosen[v].lr for v in variants if v in chosen]
    x = scales.log_scale(min(rates), max(rates))
    axes = [(x, _upwards(spots[v], runs[v], chosen.get(v))) for v in variants]
    names = [RADIUS if _has_radius(runs[variant]) else SCORE for variant in variants]
    places = panels(plot, layout, variants, axes, look, plot.body - SCALE, names)
    for variant, panel in zip(variants, places, strict=True):
        if variant in chosen:
            _crosshair(plot, panel, chosen[variant], radius=_has_radius(runs[variant]))
        _panel(plot, panel, variant, spots[variant], bounds)
    plot.text(LEFT, 0.1, "learning rate across (log scale)", size=SMALL)
    return plot


def _caption(spots: Sequence[Spot], lost: bool, chosen: bool) -> str:
    """Of what there is."""
    marks = ["ring: the best"]
    marks += ["bold edge: retrained and tested"] * any(spot.run.rank >= 0 for spot in spots)
    marks += ["cross: diverged"] * lost + ["dashed lines meet at the setting to use"] * chosen
    return (
        "Validation accuracy of each arm's points, in percent: larger and brighter is better, each "
        f"step a sixth of all points; {'; '.join(marks)}."
    )


def _scored(run: PoolRun) -> bool:
    return known(run.val) and not _diverged(run)


def _diverged(run: PoolRun) -> bool:
    return run.outcome == "diverged"


def _has_radius(runs: Sequence[PoolRun]) -> bool:
    """Whether several radii were tried."""
    return len({run.rho for run in runs if known(run.rho)}) > 1


def _spots(runs: Sequence[PoolRun]) -> list[Spot]:
    """By the radius; of an arm without one by the score, where a diverged run lies lowest."""
    if _has_radius(runs):
        return [Spot(run, run.lr, run.rho) for run in have(runs, "rho")]
    lowest = min(run.val for run in runs if _scored(run))
    shown = [run for run in runs if _scored(run) or _diverged(run)]
    return [Spot(run, run.lr, 100 * (run.val if _scored(run) else lowest)) for run in shown]


def _upwards(
    spots: Sequence[Spot], runs: Sequence[PoolRun], chosen: SettingRun | None
) -> scales.Scale:
    ends = [spot.y for spot in spots]
    if chosen and _has_radius(runs):
        ends.append(chosen.rho)
    if _has_radius(runs) and min(ends) > 0:
        return scales.log_scale(min(ends), max(ends))
    return scales.Scale(*scales.limits(ends))


def _bounds(scores: Sequence[float]) -> list[float]:
    """Between the steps: each has as many of the scores, but for equal ones."""
    ordered = sorted(scores)
    return [ordered[len(ordered) * i // len(STEPS)] for i in range(1, len(STEPS))]


def _panel(
    plot: Plot, panel: Panel, variant: str, spots: Sequence[Spot], bounds: Sequence[float]
) -> None:
    done = [spot for spot in spots if _scored(spot.run)]
    steps = np.searchsorted(bounds, [spot.run.val for spot in done], side="right")
    for step in range(len(STEPS)):
        for retrained in (False, True):
            own = [
                spot
                for spot, at in zip(done, steps, strict=True)
                if at == step and (spot.run.rank >= 0) == retrained
            ]
            name = f"{variant}-{step}{'-retrained' * retrained}"
            _points(plot, panel, name, own, _dot(step, retrained))
    lost = [spot for spot in spots if _diverged(spot.run)]
    _points(plot, panel, f"{variant}-diverged", lost, CROSS)
    for spot in done:
        if spot.run.rank == 0:
            plot.points(panel.place, f"{variant}-best", [spot.x], [spot.y], RING)


def _crosshair(plot: Plot, panel: Panel, run: SettingRun, *, radius: bool) -> None:
    """Through the setting to use; radius: which the panel shows upwards."""
    style = {"color": INK, "linewidth": 0.8, "linestyle": (0, (3, 2)), "alpha": 0.6, "zorder": 1}
    x = panel.across(run.lr)
    lines = [[(x, panel.bottom), (x, panel.top)]]
    if radius:
        y = panel.up(run.rho)
        lines.append([(panel.left, y), (panel.right, y)])
    plot.strokes(lines, **style)


def _dot(step: int, retrained: bool = False) -> Mark:
    return Mark("o", 12 + 6 * step, STEPS[step], INK, 1.4 if retrained else 0.4)


def _points(plot: Plot, panel: Panel, name: str, spots: Sequence[Spot], mark: Mark) -> None:
    xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
    plot.points(panel.place, name, xs, ys, mark, [text(spot.run) for spot in spots])


def text(run: PoolRun) -> str:
    """What a point is, and what it scored."""
    score = f"{numbers.percent(run.val)}% validation" if _scored(run) else run.outcome
    rank = f", rank {run.rank + 1}, retrained" if run.rank >= 0 else ""
    named = f"point {run.point}" if run.source == "study" else f"trial {run.point} of a sweep"
    rho = f", rho {numbers.setting(run.rho)}" if known(run.rho) else ""
    return f"{run.variant}, {named}: {score}{rank}\nlr {numbers.setting(run.lr)}{rho}"


def _legend(plot: Plot, bounds: Sequence[float]) -> None:
    """The steps of the scale with their bounds, in percent."""
    words = [f"< {100 * bounds[0]:.1f}", *(f"≥ {100 * bound:.1f}" for bound in bounds)]
    y = plot.body - 0.1
    for step, word in enumerate(words):
        if 0 < step < len(bounds) and bounds[step - 1] == bounds[step]:
            continue  # equal scores left it empty
        x = LEFT + 0.06 + 0.62 * step
        plot.points(inches, f"scale-{step}", [x], [y], _dot(step))
        plot.text(x + 0.08, y, word, size=SMALL, va="center_baseline")
