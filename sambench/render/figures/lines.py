"""Lines with bands over trials or epochs: the tuning-budget curve and the training curves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import BudgetPoint, CurvePoint, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.labels import spread
from sambench.render.figures.marks import Mark
from sambench.render.figures.plot import WIDTH, Plot, grid, note, shorten, width_of
from sambench.render.figures.style import SMALL, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BODY, LEFT, BOTTOM = 2.7, 0.5, 0.5
GAP = 0.145  # inches between the labels at the lines' ends
DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1, 1.2)), (0, (7, 2)), (0, (2.5, 2.5)))
ADAPTIVE = "best so far"
FEW = 15  # points of a line that get full markers
MOST = 60  # points of a line


class Point(NamedTuple):
    """Of a variant's line; the band is NaN where there is none."""

    variant: str
    x: int
    y: float
    low: float
    high: float
    where: str


def budget(frame: pd.DataFrame, look: Look) -> Plot | None:
    """Best validation accuracy to expect of so many trials."""
    found = [
        r for r in have(rows(frame, BudgetPoint), "expected") if r.estimator in ("U", ADAPTIVE)
    ]
    lines = [Point(r.variant, r.trials, r.expected, r.low, r.high, _trials(r)) for r in found]
    adaptive = {row.estimator for row in found} == {ADAPTIVE}
    title = "What a larger tuning budget buys"
    best = "Best validation accuracy in percent"
    words = f"{best} {'so far' if adaptive else 'to expect'} after so many trials."
    return _draw("budget", title, best, words, "trials", lines, look)


def _trials(row: BudgetPoint) -> str:
    return f"{row.trials} trial{'s' * (row.trials != 1)}"


def _epoch(row: CurvePoint) -> str:
    return f"epoch {row.epoch} of {row.epochs}"


def curves(frame: pd.DataFrame, look: Look) -> Plot | None:
    """Validation accuracy while the confirm runs train."""
    found = have(rows(frame, CurvePoint), "mean")
    lines = [Point(r.variant, r.epoch, r.mean, r.low, r.high, _epoch(r)) for r in found]
    best = "Validation accuracy in percent"
    words = f"{best} after each epoch of the confirm runs: mean over seeds, with 95% bands."
    return _draw("curves", "Training curves", best, words, "epochs", lines, look)


def _draw(
    name: str, title: str, what: str, words: str, unit: str, found: Sequence[Point], look: Look
) -> Plot | None:
    if len({row.x for row in found}) < 2:
        return None
    lines = {v: sorted(own, key=lambda row: row.x) for v, own in by_variant(found).items()}
    alt = f"{what} against {unit}, a line for each of {len(lines)} variants."
    plot = Plot(name, title, alt, words, BODY)
    order = look.sorted(list(lines))
    told = [variant for variant in order if look.told(variant)]
    right = width_of(map(shorten, told), SMALL) + 0.22
    height = BODY - BOTTOM - 0.08
    axes = plot.axes(LEFT, BOTTOM, WIDTH - LEFT - right, height)
    xs = [row.x for row in found]
    axes.set_xlim(min(xs), max(xs))
    ends = [end for row in found for end in (row.y, row.low, row.high) if known(end)]
    axes.set_ylim(*scales.limits([100 * end for end in ends]))
    axes.set_xlabel(unit)
    scales.linear(axes.xaxis, whole=True)
    scales.linear(axes.yaxis)
    grid(axes)
    for variant in reversed(order):
        _line(plot, axes, variant, lines[variant], look)
    _names(axes, {variant: lines[variant][-1] for variant in told}, look, GAP / height)
    return plot


def _line(plot: Plot, axes: "Axes", variant: str, line: Sequence[Point], look: Look) -> None:
    colour, told, alpha = look.colour(variant), look.told(variant), look.alpha(variant)
    xs, ys = [row.x for row in line], [100 * row.y for row in line]
    band = have(line, "low", "high")
    if told and band:
        low, high = [100 * row.low for row in band], [100 * row.high for row in band]
        ground = [row.x for row in band]
        axes.fill_between(ground, low, high, color=colour, alpha=0.1, linewidth=0, zorder=1)
    axes.plot(
        xs,
        ys,
        color=colour,
        linewidth=1.6 if told else 0.7,
        linestyle=DASHES[look.best.index(variant)] if variant in look.best else "-",
        alpha=alpha,
        zorder=3 if told else 2,
    )
    shown = line[:: -(-len(line) // MOST)]
    plot.points(
        axes.transData.transform,
        variant,
        [row.x for row in shown],
        [100 * row.y for row in shown],
        Mark(look.marker(variant), 12 if told and len(shown) <= FEW else 5, colour, alpha=alpha),
        [_text(row) + look.configuration(variant) for row in shown],
    )


def _names(axes: "Axes", ends: Mapping[str, Point], look: Look, gap: float) -> None:
    """Each line's name right of the axes, with a thin leader to where it ends."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    edge = right + 0.035 * (right - left)
    wanted = [100 * row.y for row in ends.values()]
    places = spread(wanted, gap * (top - bottom), bottom, top)
    for (variant, end), y in zip(ends.items(), places, strict=True):
        leader = {"color": look.colour(variant), "linewidth": 0.6, "alpha": 0.6, "clip_on": False}
        axes.plot([end.x, edge], [100 * end.y, y], zorder=1, **leader)
        weight = "bold" if variant in look.baselines else "normal"
        text = shorten(variant)
        note(axes, edge, y, text, xytext=(3, 0), annotation_clip=False, fontweight=weight)


def _text(row: Point) -> str:
    score = f"{row.variant}, {row.where}: {numbers.percent(row.y)}%"
    if known(row.low) and known(row.high):
        score += f" [{numbers.percent(row.low)}, {numbers.percent(row.high)}]"
    return score
