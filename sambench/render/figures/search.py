"""Where tuning looked and what it found: validation accuracy over learning rate and radius."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import SearchRun, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Panel, body, panels
from sambench.render.figures.plot import Plot, inches
from sambench.render.figures.style import INK, SMALL, WARNING, Look

STEPS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Of cividis; larger and brighter is better."""
SCALE = 0.3  # inches for the legend
CROSS = Mark("x", 24, edge=WARNING, width=1.5)
RING = Mark("o", 120, edge=INK, width=1)


def draw(search: pd.DataFrame, look: Look) -> Plot | None:
    """A panel per variant; crosses mark runs that diverged."""
    found = {
        variant: own
        for variant, runs in by_variant(rows(search, SearchRun)).items()
        if (own := _placed([run for run in runs if run.lr > 0]))
    }
    every = [spot for own in found.values() for spot in own]
    scores = [spot.run.val_accuracy for spot in every if _scored(spot.run)]
    if not scores:
        return None
    variants = look.sorted(list(found))
    plot = Plot(
        "search",
        "Learning rate and radius",
        "Validation accuracy of the search runs over learning rate and radius, a panel for each "
        f"of {len(variants)} variants; {sum(_diverged(spot.run) for spot in every)} runs diverged.",
        "Validation accuracy of the search runs. Brighter and larger is better, a ring marks the "
        "best, a cross a run that diverged. Without a radius: schedule length in epochs.",
        body(len(variants), "y") + SCALE,
    )
    bounds = _bounds(scores)
    _legend(plot, bounds)
    x = _scale([spot.run.lr for spot in every])
    axes = [(x, _scale([spot.y for spot in found[variant]])) for variant in variants]
    places = panels(plot, variants, axes, look.baselines, "y", plot.body - SCALE)
    for variant, panel in zip(variants, places, strict=True):
        _panel(plot, panel, variant, found[variant], bounds)
    plot.text(LEFT, 0.1, "learning rate across, radius upwards", size=SMALL)
    return plot


class Spot(NamedTuple):
    """A run, and its height in the panel."""

    run: SearchRun
    y: float


def _placed(runs: Sequence[SearchRun]) -> list[Spot]:
    """By the radius, or the schedule length of those without one."""
    placed = [Spot(run, run.rho) for run in have(runs, "rho")]
    return [spot for spot in placed or [Spot(run, run.epochs) for run in runs] if spot.y > 0]


def _scale(values: Sequence[float]) -> scales.Scale:
    return scales.log_scale(min(values), max(values))


def _diverged(run: SearchRun) -> bool:
    return run.outcome == "diverged"


def _scored(run: SearchRun) -> bool:
    return known(run.val_accuracy) and not _diverged(run)


def _bounds(scores: Sequence[float]) -> list[float]:
    """Between the steps, even in accuracy; a hopeless tail does not eat the scale."""
    low, high = float(np.quantile(scores, 0.1)), max(scores)
    low = min(low, high - 0.006)
    return [low + (high - low) * i / len(STEPS) for i in range(1, len(STEPS))]


def _panel(
    plot: Plot, panel: Panel, variant: str, spots: Sequence[Spot], bounds: Sequence[float]
) -> None:
    done = [spot for spot in spots if _scored(spot.run)]
    steps = np.searchsorted(bounds, [spot.run.val_accuracy for spot in done], side="right")
    for step in range(len(STEPS)):
        own = [spot for spot, at in zip(done, steps, strict=True) if at == step]
        _points(plot, panel, f"{variant}-{step}", own, _dot(step))
    lost = [spot for spot in spots if _diverged(spot.run)]
    _points(plot, panel, f"{variant}-diverged", lost, CROSS)
    if done:
        best = max(done, key=lambda spot: spot.run.val_accuracy)
        plot.points(panel.place, f"{variant}-best", [best.run.lr], [best.y], RING)


def _dot(step: int) -> Mark:
    return Mark("o", 14 + 7 * step, STEPS[step], INK, 0.5)


def _points(plot: Plot, panel: Panel, name: str, spots: Sequence[Spot], mark: Mark) -> None:
    xs, ys = [spot.run.lr for spot in spots], [spot.y for spot in spots]
    plot.points(panel.place, name, xs, ys, mark, [text(spot.run) for spot in spots])


def text(run: SearchRun) -> str:
    """What a search run tried and found."""
    score = f"{numbers.percent(run.val_accuracy)}% validation" if _scored(run) else "no result"
    rho = f", rho {numbers.setting(run.rho)}" if known(run.rho) else ""
    end = f"{run.epochs:.0f} epochs"
    if run.outcome != "complete":
        end += f", {run.outcome} after {run.epochs_done:.0f}"
    return (
        f"{run.variant}, trial {run.trial:.0f}: {score}\nlr {numbers.setting(run.lr)}{rho}, {end}"
    )


def _legend(plot: Plot, bounds: Sequence[float]) -> None:
    """The steps of the scale with their bounds, in percent."""
    words = [f"< {100 * bounds[0]:.1f}", *(f"≥ {100 * bound:.1f}" for bound in bounds)]
    y = plot.body - 0.1
    for step, word in enumerate(words):
        x = LEFT + 0.06 + 0.62 * step
        plot.points(inches, f"scale-{step}", [x], [y], _dot(step))
        plot.text(x + 0.08, y, word, size=SMALL, va="center_baseline")
