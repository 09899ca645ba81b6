"""Test accuracy of each variant, and what it is above tuned plain: a row each, best first."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import ConfirmRun, RankedVariant, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import WIDTH, Plot, grid, shorten, width_of
from sambench.render.figures.style import INK, SIZE, SMALL, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.24  # inches
BOTTOM, ROOM = 0.42, 0.1
LETTERS = 7  # of a group that are shown
SIGNIFICANT = 0.05


def accuracy(ranking: pd.DataFrame, results: pd.DataFrame, look: Look) -> Plot | None:
    """Mean and 95% interval of each variant over its runs, which are the small dots."""
    found = have(rows(ranking, RankedVariant), "mean")
    if not found:
        return None
    groups = [shorten(row.group, LETTERS) if known(row.group) else "" for row in found]
    plot = Plot(
        "accuracy",
        "Test accuracy",
        f"Test accuracy of {len(found)} variants with 95% intervals; {found[0].variant} comes "
        f"first with {numbers.percent(found[0].mean)}%.",
        "Percent: mean, 95% interval over seeds, and each run as a dot. "
        "Variants that share a letter are not separated.",
        _height(found),
    )
    axes = _axes(plot, found, groups, "group" if any(groups) else "", look)
    runs = by_variant(sorted(rows(results, ConfirmRun), key=lambda run: run.seed))
    for y, row in enumerate(found):
        label = row.variant
        _runs(plot, axes, y, runs.get(label, []), look)
        _interval(plot, axes, y, row, ("mean", "low", "high"), _mean(row), look)
    shown = [run.test_accuracy for own in runs.values() for run in have(own, "test_accuracy")]
    _fit(axes, [*(getattr(row, end) for row in found for end in ("mean", "low", "high")), *shown])
    return plot


def differences(ranking: pd.DataFrame, look: Look, name: str = "differences") -> Plot | None:
    """Each variant minus the baseline, paired by seed; filled where Holm's test separates them."""
    every = rows(ranking, RankedVariant)
    found = sorted(have(every, "difference"), key=lambda row: (-row.difference, row.variant))
    base = [row.variant for row in have(every, "mean") if not known(row.difference)]
    if not found or not base:
        return None
    words = f"tuned {base[0]}" if base[0] == "plain" else base[0]
    plot = Plot(
        name,
        f"Points above {words}",
        f"Paired differences of {len(found)} variants to {words} with 95% intervals; "
        f"{found[0].variant} comes first with {numbers.points(found[0].difference)} points.",
        "Mean paired difference in test accuracy with its unadjusted 95% interval. "
        "Filled: separated from zero (Holm p < 0.05).",
        _height(found),
    )
    axes = _axes(plot, found, [numbers.p_value(_p(row)) for row in found], "Holm p", look)
    axes.axvline(0, color=INK, linewidth=0.9)
    columns = ("difference", "difference_low", "difference_high")
    for y, row in enumerate(found):
        p = _p(row)
        filled = p is not None and p < SIGNIFICANT
        _interval(plot, axes, y, row, columns, _difference(row), look, filled)
    _fit(axes, [0.0, *(getattr(row, name) for row in found for name in columns)])
    return plot


def _height(found: Sequence[RankedVariant]) -> float:
    return BOTTOM + ROW * len(found) + 0.2


def _axes(
    plot: Plot, found: Sequence[RankedVariant], right: Sequence[str], heading: str, look: Look
) -> "Axes":
    """A row for each; texts in a column on the right, under its heading."""
    labels = [row.variant for row in found]
    shown = [shorten(label) for label in labels]
    left, margin = width_of(shown) + 0.18, width_of([*right, heading], SMALL) + ROOM
    axes = plot.axes(left, BOTTOM, WIDTH - left - margin, ROW * len(labels))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), shown)
    axes.tick_params(axis="y", length=0, labelsize=SIZE)
    for tick, label in zip(axes.get_yticklabels(), labels, strict=True):
        tick.set_fontweight("bold" if label in look.baselines else "normal")
    axes.spines["left"].set_visible(False)
    grid(axes, "x")
    for y, text in zip((-0.85, *range(len(labels))), (heading, *right), strict=True):
        axes.annotate(
            text,
            (1, y),
            xycoords=axes.get_yaxis_transform(),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
    return axes


def _fit(axes: "Axes", values: Sequence[float]) -> None:
    axes.set_xlim(*scales.limits([100 * value for value in values]))
    scales.linear(axes.xaxis)


def _runs(plot: Plot, axes: "Axes", y: int, found: Sequence[ConfirmRun], look: Look) -> None:
    found = have(found, "test_accuracy")
    if not found:
        return
    label = found[0].variant
    plot.points(
        axes.transData.transform,
        f"{label}-runs",
        [100 * run.test_accuracy for run in found],
        [y] * len(found),
        Mark("o", 7, look.colour(label), alpha=0.4),
        [_run(run) + look.configuration(label) for run in found],
    )


def _interval(
    plot: Plot,
    axes: "Axes",
    y: int,
    row: RankedVariant,
    columns: tuple[str, str, str],
    text: str,
    look: Look,
    filled: bool = True,
) -> None:
    middle, low, high = (100 * getattr(row, column) for column in columns)
    label = row.variant
    colour, told = look.colour(label), look.told(label)
    if known(low) and known(high):
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6, alpha=look.alpha(label))
    shape, area = (look.marker(label), 34) if told else ("o", 18)
    plot.points(
        axes.transData.transform,
        label,
        [middle],
        [y],
        Mark(shape, area, colour if filled else None, colour, 1.2),
        [text + look.configuration(label)],
    )


def _p(row: RankedVariant) -> float | None:
    return row.holm_p if known(row.holm_p) else None


def _mean(row: RankedVariant) -> str:
    interval = _bounds(row.low, row.high, numbers.percent)
    return f"{row.variant}: {numbers.percent(row.mean)}%{interval}, {row.n:.0f} seeds"


def _difference(row: RankedVariant) -> str:
    interval = _bounds(row.difference_low, row.difference_high, numbers.points)
    points = f"{numbers.points(row.difference)} points{interval}"
    return f"{row.variant}: {points}, Holm p {numbers.p_value(_p(row))}"


def _bounds(low: float, high: float, written: Callable[[float], str]) -> str:
    return f" [{written(low)}, {written(high)}]" if known(low) and known(high) else ""


def _run(run: ConfirmRun) -> str:
    score = f"{numbers.percent(run.test_accuracy)}% test"
    if known(run.val_accuracy):
        score += f", {numbers.percent(run.val_accuracy)}% validation"
    return f"{run.variant}, seed {run.seed:.0f}: {score}"
