"""Accuracy on corrupted images over their severity, a line for each arm."""

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import Severity, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.lines import Lines, Point
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import Look

WHOSE = {
    "corrupted": "sambench's own corruptions, which are not ImageNet-C's",
    "cifar_c": "the published files of CIFAR-10-C or CIFAR-100-C",
}


def draw(severity: pd.DataFrame, measure: str, look: Look) -> Plot | None:
    """None where it was measured at fewer than two severities."""
    found = [row for row in have(rows(severity, Severity), "accuracy") if row.measure == measure]
    levels = sorted({row.severity for row in found})
    if len(levels) < 2:
        return None
    lines = Lines.of(map(_point, found), look)
    worst = {row.variant: row.accuracy for row in found if row.severity == levels[-1]}
    best = max(worst, key=lambda variant: worst[variant])
    y = scales.share_scale([100 * row.accuracy for row in found], 0.12)
    plot = Plot(
        f"severity-{measure.replace('_', '-')}",
        "Robustness by severity",
        f"Accuracy on corrupted test images over severity {levels[0]:g} to {levels[-1]:g} of "
        f"{arms(len(lines.by_arm))}; at {levels[-1]:g}, {best} has the highest, "
        f"{numbers.percent(worst[best])}%.",
        f"Accuracy on test images under {WHOSE.get(measure, measure)}: mean over corruptions"
        f"{', bands: the 95% interval of each arm alone' * bool(lines.banded)}. Severity 0: the "
        "same images as they are.",
        lines.body,
    )
    x = scales.Scale(levels[0], levels[-1], marks=tuple(levels))
    lines.draw(plot, x, y, "severity", "accuracy, %")
    return plot


def _point(row: Severity) -> Point:
    text = f"{row.variant}, severity {row.severity:g}: {numbers.percent(row.accuracy)}%"
    if known(row.low) and known(row.high):
        text += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}]"
    low, high = 100 * row.low, 100 * row.high
    return Point(row.variant, row.severity, 100 * row.accuracy, low, high, text)
