"""Where tuning looked and what it found: validation accuracy over learning rate and radius."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sambench.report import numbers
from sambench.report.figures import scales
from sambench.report.figures.frames import Row, by_variant, have, known, rows
from sambench.report.figures.panels import LEFT, body, panels
from sambench.report.figures.plot import Plot, grid, note
from sambench.report.figures.style import INK, SMALL, WARNING, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Of cividis; larger and brighter is better."""
SCALE = 0.3  # inches for the legend


def draw(search: pd.DataFrame, look: Look) -> Plot | None:
    """A panel per variant; crosses mark runs that diverged."""
    found = {
        variant: own
        for variant, runs in by_variant(rows(search)).items()
        if (own := _placed([run for run in runs if run["lr"] > 0]))
    }
    every = [row for own in found.values() for row in own]
    scores = [row["val_accuracy"] for row in every if _scored(row)]
    if not scores:
        return None
    variants = look.sorted(list(found))
    plot = Plot(
        "search",
        "Learning rate and radius",
        "Validation accuracy of the search runs over learning rate and radius, a panel for each "
        f"of {len(variants)} variants; {sum(_diverged(row) for row in every)} runs diverged.",
        "Validation accuracy of the search runs. Brighter and larger is better, a ring marks the "
        "best, a cross a run that diverged. Without a radius: schedule length in epochs.",
        body(len(variants), "y") + SCALE,
    )
    bounds = _bounds(scores)
    _legend(plot, bounds)
    lrs = [row["lr"] for row in every]
    places = panels(plot, variants, look.baselines, "y", plot.body - SCALE)
    for variant, axes in zip(variants, places, strict=True):
        scales.log(axes.xaxis, min(lrs), max(lrs))
        _panel(plot, axes, variant, found[variant], bounds)
    plot.text(LEFT, 0.1, "learning rate across, radius upwards", size=SMALL)
    return plot


def _placed(runs: Sequence[Row]) -> list[Row]:
    """With the height in the panel: the radius, or the schedule length of those without one."""
    name = "rho" if have(runs, "rho") else "epochs"
    return [{**run, "y": run[name]} for run in have(runs, name) if run[name] > 0]


def _diverged(row: Row) -> bool:
    return row["outcome"] == "diverged"


def _scored(row: Row) -> bool:
    return known(row["val_accuracy"]) and not _diverged(row)


def _bounds(scores: Sequence[float]) -> list[float]:
    """Between the steps, even in accuracy; a hopeless tail does not eat the scale."""
    low, high = float(np.quantile(scores, 0.1)), max(scores)
    low = min(low, high - 0.006)
    return [low + (high - low) * i / len(STEPS) for i in range(1, len(STEPS))]


def _panel(
    plot: Plot, axes: "Axes", variant: str, runs: Sequence[Row], bounds: Sequence[float]
) -> None:
    ys = [run["y"] for run in runs]
    scales.log(axes.yaxis, min(ys), max(ys))
    grid(axes)
    done = [run for run in runs if _scored(run)]
    for step, colour in enumerate(STEPS):
        own = [run for run in done if sum(run["val_accuracy"] >= b for b in bounds) == step]
        _points(plot, axes, f"{variant}-{step}", own, **_dot(step, colour))
    lost = [run for run in runs if _diverged(run)]
    cross = {"marker": "x", "color": WARNING, "linewidths": 1.5, "s": 24}
    _points(plot, axes, f"{variant}-diverged", lost, **cross)
    if done:
        best = max(done, key=lambda run: run["val_accuracy"])
        ring = {"facecolors": "none", "edgecolors": INK, "linewidths": 1, "clip_on": False}
        axes.scatter([best["lr"]], [best["y"]], s=120, **ring)


def _dot(step: int, colour: str) -> dict:
    return {"color": colour, "edgecolors": INK, "linewidths": 0.5, "s": 14 + 7 * step}


def _points(plot: Plot, axes: "Axes", gid: str, runs: Sequence[Row], **style: object) -> None:
    xs, ys = [run["lr"] for run in runs], [run["y"] for run in runs]
    plot.points(axes, gid, xs, ys, [text(run) for run in runs], **style)


def text(run: Row) -> str:
    """What a search run tried and found."""
    score = f"{numbers.percent(run['val_accuracy'])}% validation" if _scored(run) else "no result"
    rho = f", rho {numbers.setting(run['rho'])}" if known(run["rho"]) else ""
    end = f"{run['epochs']:.0f} epochs"
    if run["outcome"] != "complete":
        end += f", {run['outcome']} after {run['epochs_done']:.0f}"
    return (
        f"{run['variant']}, trial {run['trial']:.0f}: {score}\n"
        f"lr {numbers.setting(run['lr'])}{rho}, {end}"
    )


def _legend(plot: Plot, bounds: Sequence[float]) -> None:
    """The steps of the scale with their bounds, in percent."""
    axes = plot.axes(LEFT, plot.body - 0.24, 3.7, 0.24)
    axes.set_axis_off()
    axes.set_xlim(0, 3.7)
    axes.set_ylim(0, 1)
    words = [f"< {100 * bounds[0]:.1f}", *(f"≥ {100 * bound:.1f}" for bound in bounds)]
    for step, colour in enumerate(STEPS):
        x = 0.06 + 0.62 * step
        axes.scatter([x], [0.6], **_dot(step, colour))
        note(axes, x, 0.6, words[step], xytext=(6, 0))
