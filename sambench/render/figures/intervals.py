"""What each arm is worth at the study's budget, and what it is above plain: a row each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import RankedArm, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import WIDTH, Plot, arms, grid, shorten, width_of
from sambench.render.figures.style import INK, SIZE, SMALL, SOFT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.24  # inches
BOTTOM, ROOM = 0.5, 0.1
LETTERS = 7  # of a group that are shown


def draw(ranking: pd.DataFrame, look: Look, tuned: bool) -> Plot | None:
    """Score and 95% interval of each arm, best first, and lines through those of the baseline.

    tuned: else settings are fixed, and a score is a mean over seeds
    """
    found = have(rows(ranking, RankedArm), "score")
    if not found:
        return None
    groups = [shorten(row.group, LETTERS) for row in found]
    what = _what(look.score, tuned)
    barred = bool(have(found, "low", "high"))
    best = max(found, key=lambda row: row.score)
    first = f"{best.variant} has the highest, {numbers.percent(best.score)}%"
    plot = Plot(
        "intervals",
        "At the study's budget" if tuned else f"Test {look.score}",
        f"{what} of {arms(len(found))}{', with 95% intervals' * barred}; {first}.",
        f"{what}{', with the 95% interval of each alone' * barred}."
        + " Upright lines: the arms of plain." * any(row.variant in look.baselines for row in found)
        + " Arms that share a letter are not separated." * any(groups)
        + " Hollow: not ranked." * any(row.why for row in found),
        _height(found),
    )
    axes = _axes(plot, found, groups, "group" if any(groups) else "", look)
    for row in found:
        if row.variant in look.baselines:
            style = {"linestyle": look.dashes(row.variant), "linewidth": 0.9, "alpha": 0.45}
            axes.axvline(100 * row.score, color=INK, zorder=1, **style)
    for y, row in enumerate(found):
        ends = row.score, row.low, row.high
        _interval(plot, axes, y, row, ends, _score(row), look, filled=not row.why)
    ends = [100 * end for row in found for end in (row.score, row.low, row.high)]
    scale = scales.share_scale(ends)
    axes.set_xlim(scale.low, scale.high)
    scales.linear(axes.xaxis)
    _name(axes, f"test {look.score}, %")
    return plot


def _what(score: str, tuned: bool) -> str:
    return f"Expected test {score} of tuned training" if tuned else f"Mean test {score} over seeds"


def differences(ranking: pd.DataFrame, look: Look) -> Plot | None:
    """Each arm minus the best of the baseline's; filled: it beats all of them."""
    every = have(rows(ranking, RankedArm), "difference", "plain")
    found = sorted(every, key=lambda row: (-row.difference, row.variant))
    if not found:
        return None
    base, first = found[0].plain, found[0]
    to = f"{base}, the best arm of plain" if len(look.baselines) > 1 else base
    barred = bool(have(found, "difference_low", "difference_high"))
    plot = Plot(
        "differences",
        f"Points above {base}",
        f"Differences of {arms(len(found))} to {to}"
        f"{', with 95% intervals' * barred}; {first.variant} comes first with "
        f"{numbers.points(first.difference)} points.",
        f"Paired difference in test {look.score} to {to}"
        f"{', with the 95% interval of each alone' * barred}. {_filled(found)}",
        _height(found),
    )
    axes = _axes(plot, found, [numbers.p_value(_p(row)) for row in found], "Holm p", look)
    axes.axvline(0, color=INK, linewidth=0.9)
    for y, row in enumerate(found):
        ends = row.difference, row.difference_low, row.difference_high
        _interval(plot, axes, y, row, ends, _difference(row), look, filled=row.wins)
    ends = [(row.difference, row.difference_low, row.difference_high) for row in found]
    axes.set_xlim(*scales.limits([0.0, *(100 * end for own in ends for end in own)]))
    scales.linear(axes.xaxis)
    _name(axes, f"points of test {look.score} above {shorten(base)}")
    return plot


def _filled(found: Sequence[RankedArm]) -> str:
    """What the marks are filled with, or that none is."""
    words = "the arm beats every arm of plain, by Holm's test"
    if not any(row.wins for row in found):
        return f"Hollow: no {words.removeprefix('the ')}."
    return f"Filled: {words}."


def _height(found: Sequence[RankedArm]) -> float:
    return BOTTOM + ROW * len(found) + 0.2


def _axes(
    plot: Plot, found: Sequence[RankedArm], right: Sequence[str], heading: str, look: Look
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
        tick.set_fontweight(look.weight(label))
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


def _name(axes: "Axes", name: str) -> None:
    axes.set_xlabel(name, fontsize=SMALL, alpha=SOFT)


def _interval(
    plot: Plot,
    axes: "Axes",
    y: int,
    row: RankedArm,
    ends: tuple[float, float, float],
    text: str,
    look: Look,
    *,
    filled: bool,
) -> None:
    middle, low, high = (100 * end for end in ends)
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


def _p(row: RankedArm) -> float | None:
    return row.beats if known(row.beats) else None


def _score(row: RankedArm) -> str:
    found = f"{row.variant}: {numbers.percent(row.score)}%"
    found += _bounds(row.low, row.high, numbers.percent)
    found += f"\ngroup {row.group}" if row.group else ""
    return f"{found}\nnot ranked: {row.why}" if row.why else found


def _difference(row: RankedArm) -> str:
    interval = _bounds(row.difference_low, row.difference_high, numbers.points)
    points = f"{numbers.points(row.difference)} points{interval}"
    return f"{row.variant}: {points}, Holm p {numbers.p_value(_p(row))}"


def _bounds(low: float, high: float, written: Callable[[float], str]) -> str:
    return f" [{written(low)}, {written(high)}]" if known(low) and known(high) else ""
