"""What each arm is worth at the study's budget, and what it is above plain: a row each."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import RankedArm, rows
from sambench.render.figures import scales
from sambench.render.figures.known import have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import WIDTH, Plot, arms, grid, shorten, width_of
from sambench.render.figures.style import INK, SIZE, SMALL, SOFT, Look
from sambench.scores import Score

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
    score = look.score
    what = _what(score.words, tuned)
    barred = bool(have(found, "low", "high"))
    best = max(found, key=lambda row: score.sign * row.score)
    first = f"{best.variant} has the {score.best}, {numbers.told(best.score, score)}"
    plot = Plot(
        "intervals",
        "At the study's budget" if tuned else f"Test {score.words}",
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
            axes.axvline(score.scale * row.score, color=INK, zorder=1, **style)
    for y, row in enumerate(found):
        ends = row.score, row.low, row.high
        _interval(plot, axes, y, row, ends, _score(row, score), look, filled=not row.why)
    ends = [score.scale * end for row in found for end in (row.score, row.low, row.high)]
    scale = scales.score_scale(ends, score)
    axes.set_xlim(scale.low, scale.high)
    scales.linear(axes.xaxis)
    _name(axes, score.named("test"))
    return plot


def _what(score: str, tuned: bool) -> str:
    return f"Expected test {score} of tuned training" if tuned else f"Mean test {score} over seeds"


def differences(ranking: pd.DataFrame, look: Look) -> Plot | None:
    """Each arm minus the best of the baseline's; filled: it beats all of them."""
    every = have(rows(ranking, RankedArm), "difference", "plain")
    score = look.score
    found = sorted(every, key=lambda row: (-score.sign * row.difference, row.variant))
    if not found:
        return None
    base, first = found[0].plain, found[0]
    to = f"{base}, the best arm of plain" if len(look.baselines) > 1 else base
    barred = bool(have(found, "difference_low", "difference_high"))
    points = score.in_percent and score.sign > 0
    plot = Plot(
        "differences",
        f"Points above {base}" if points else f"Test {score.words} minus that of {base}",
        f"Differences of {arms(len(found))} to {to}"
        f"{', with 95% intervals' * barred}; {first.variant} comes first with "
        f"{numbers.gap(first.difference, score)}{' points' * score.in_percent}.",
        f"Paired difference in test {score.words} to {to}"
        f"{', with the 95% interval of each alone' * barred}."
        f"{' Less is better.' * (score.sign < 0)} {_filled(found)}",
        _height(found),
    )
    axes = _axes(plot, found, [numbers.p_value(_p(row)) for row in found], "Holm p", look)
    axes.axvline(0, color=INK, linewidth=0.9)
    for y, row in enumerate(found):
        ends = row.difference, row.difference_low, row.difference_high
        _interval(plot, axes, y, row, ends, _difference(row, score), look, filled=row.wins)
    ends = [(row.difference, row.difference_low, row.difference_high) for row in found]
    axes.set_xlim(*scales.limits([0.0, *(score.scale * end for own in ends for end in own)]))
    scales.linear(axes.xaxis)
    over = f"points of test {score.words} above" if points else f"{score.named('test')}, minus"
    _name(axes, f"{over} {shorten(base)}")
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
    middle, low, high = (look.score.scale * end for end in ends)
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


def _score(row: RankedArm, score: Score) -> str:
    found = f"{row.variant}: {numbers.told(row.score, score)}"
    found += _bounds(row.low, row.high, partial(numbers.score, of=score))
    found += f"\ngroup {row.group}" if row.group else ""
    return f"{found}\nnot ranked: {row.why}" if row.why else found


def _difference(row: RankedArm, score: Score) -> str:
    written = partial(numbers.gap, of=score)
    interval = _bounds(row.difference_low, row.difference_high, written)
    told = f"{written(row.difference)}{' points' * score.in_percent}{interval}"
    return f"{row.variant}: {told}, Holm p {numbers.p_value(_p(row))}"


def _bounds(low: float, high: float, written: Callable[[float], str]) -> str:
    return f" [{written(low)}, {written(high)}]" if known(low) and known(high) else ""
