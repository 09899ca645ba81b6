"""The pool: where the points of each arm lie, and what they score."""

from collections.abc import Mapping, Sequence, Set
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import PoolRun, rows
from sambench.render.figures import scales
from sambench.render.figures.known import by_variant, have, known
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import LEFT, Layout, Panel, multiples
from sambench.render.figures.plot import Plot, arms, inches
from sambench.render.figures.style import INK, SMALL, WARNING, Chosen, Look
from sambench.scores import Score

STEPS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Of cividis: larger and brighter is better."""
BELOW = (0.25, 0.5, 0.7, 0.85, 0.95)
"""What part of the points lies below each further step: the best ones are told apart most finely"""
RADIUS, RATE = "radius", "learning rate (log)"
SCALE = 0.3  # inches for the legend
CROSS = Mark("x", 24, edge=WARNING, width=1.5)
RING = Mark("o", 120, edge=INK, width=1)


Runs = Sequence[PoolRun]


class Spot(NamedTuple):
    """A run, and where it stands in its panel."""

    run: PoolRun
    x: float
    y: float
    retrained: bool


def draw(pool: pd.DataFrame, confirmed: pd.DataFrame, look: Look) -> Plot | None:
    """A panel per arm; None where nothing was scored."""
    every = rows(pool, PoolRun)
    if not any(map(_scored, every)):
        return None
    runs = by_variant(run for run in every if _scored(run) or _diverged(run))
    variants = look.sorted(runs)
    retrained = confirmed.loc[confirmed["outcome"] != "failed", ["variant", "point"]]
    again = set(retrained.drop_duplicates().itertuples(index=False, name=None))
    score = look.score
    spots = {variant: _spots(runs[variant], again, score) for variant in variants}
    drawn = [spot for own in spots.values() for spot in own]
    layout = Layout(len(variants), own="y")
    plot = Plot(
        "search",
        "Where the points lie",
        _alt(drawn, runs, score),
        _caption(drawn, [v for v in variants if v in look.chosen], runs, score),
        layout.body + SCALE,
    )
    bounds = _bounds(list(spots.values()), score)
    _legend(plot, bounds, score)
    rates = [spot.x for spot in drawn] + [look.chosen[v].lr for v in variants if v in look.chosen]
    x = scales.log_scale(min(rates), max(rates))
    axes = [(x, _upwards(spots[v], runs[v], look.chosen.get(v), score)) for v in variants]
    upwards = score.named("validation")
    if layout.columns > 2:
        upwards = f"validation, {score.shown_in}"
    names = [
        (RATE, f"{RADIUS}{' (log)' * y.log}" if _has_radius(runs[variant]) else upwards)
        for variant, (_, y) in zip(variants, axes, strict=True)
    ]
    places = multiples(plot, layout, variants, axes, names, look, plot.body - SCALE)
    for variant, panel in zip(variants, places, strict=True):
        if variant in look.chosen:
            _crosshair(plot, panel, look.chosen[variant], radius=_has_radius(runs[variant]))
        _panel(plot, panel, variant, spots[variant], bounds, score)
    return plot


def _alt(spots: Sequence[Spot], runs: Mapping[str, Runs], score: Score) -> str:
    scored = [spot for spot in spots if _scored(spot.run)]
    best = max(scored, key=lambda spot: score.sign * spot.run.val).run
    lost = sum(_diverged(spot.run) for spot in spots)
    over = "learning rate" + " and radius" * any(map(_has_radius, runs.values()))
    return (
        f"Validation {score.words} of {len(scored)} points of {arms(len(runs))} over {over}, a "
        f"panel for each; the best, of {best.variant}, has {numbers.told(best.val, score)}; "
        f"{lost or 'none'} diverged."
    )


def _caption(
    spots: Sequence[Spot], chosen: Sequence[str], runs: Mapping[str, Runs], score: Score
) -> str:
    """Of what there is."""
    marks = ["ring: the best of an arm"]
    marks += ["square: retrained and tested"] * any(spot.retrained for spot in spots)
    marks += ["cross: diverged"] * any(_diverged(spot.run) for spot in spots)
    if chosen:
        meet = any(_has_radius(runs[variant]) for variant in chosen)
        marks += [f"dashed lines{' meet' * meet} at the setting to use"]
    return (
        f"Validation {score.words} of each arm's points{', in percent' * score.in_percent}: larger "
        f"and brighter is better, in finer steps among the best; {'; '.join(marks)}."
    )


def _scored(run: PoolRun) -> bool:
    return known(run.val) and not _diverged(run)


def _diverged(run: PoolRun) -> bool:
    return run.outcome == "diverged"


def _has_radius(runs: Runs) -> bool:
    """Whether several radii were tried."""
    return len({run.rho for run in runs if known(run.rho)}) > 1


def _spots(runs: Runs, again: Set[tuple[str, int]], score: Score) -> list[Spot]:
    """By the radius; of an arm without one by the score, diverged runs where the worst lies."""

    def spot(run: PoolRun, y: float) -> Spot:
        return Spot(run, run.lr, y, run.source == "study" and (run.variant, run.point) in again)

    if _has_radius(runs):
        return [spot(run, run.rho) for run in have(runs, "rho")]
    known_ones = [run.val for run in runs if _scored(run)]
    worst = min(known_ones, key=lambda val: score.sign * val, default=0.0)
    return [spot(run, score.scale * (run.val if _scored(run) else worst)) for run in runs]


def _upwards(
    spots: Sequence[Spot], runs: Runs, chosen: Chosen | None, score: Score
) -> scales.Scale:
    ends = [spot.y for spot in spots]
    if not _has_radius(runs):
        return scales.score_scale(ends, score, 0.1)
    if chosen and chosen.rho is not None:
        ends.append(chosen.rho)
    return (
        scales.log_scale(min(ends), max(ends))
        if min(ends) > 0
        else scales.Scale(*scales.limits(ends))
    )


def _bounds(panels: Sequence[Sequence[Spot]], of: Score) -> list[float]:
    """Where all steps but the first begin, more being better; an arm with many points counts no
    more."""
    own = [[of.sign * spot.run.val for spot in spots if _scored(spot.run)] for spots in panels]
    weighed = sorted((score, 1 / len(scores)) for scores in own for score in scores)
    passed = list(accumulate(weight for _, weight in weighed))
    return [
        next(
            score
            for (score, _), sum_ in zip(weighed, passed, strict=True)
            if sum_ > round(part * passed[-1], 9)
        )
        for part in BELOW
    ]


def _best(spots: Sequence[Spot], score: Score) -> Spot:
    """Of those that ran in the study, the first of equal ones."""

    def place(spot: Spot) -> tuple[bool, float, int]:
        return spot.run.source != "study", -score.sign * spot.run.val, spot.run.point

    return min(spots, key=place)


def _panel(
    plot: Plot,
    panel: Panel,
    variant: str,
    spots: Sequence[Spot],
    bounds: Sequence[float],
    score: Score,
) -> None:
    done = [spot for spot in spots if _scored(spot.run)]
    steps = np.searchsorted(bounds, [score.sign * spot.run.val for spot in done], side="right")
    for step in range(len(STEPS)):
        for retrained in (False, True):
            own = [
                spot
                for spot, at in zip(done, steps, strict=True)
                if at == step and spot.retrained == retrained
            ]
            name = f"{variant}-{step}{'-retrained' * retrained}"
            _points(plot, panel, name, own, _dot(step, retrained), score)
    lost = [spot for spot in spots if _diverged(spot.run)]
    _points(plot, panel, f"{variant}-diverged", lost, CROSS, score)
    if done:
        best = _best(done, score)
        plot.points(panel.place, f"{variant}-best", [best.x], [best.y], RING)


def _crosshair(plot: Plot, panel: Panel, chosen: Chosen, *, radius: bool) -> None:
    """Through the setting to use; radius: which the panel shows upwards."""
    style = {"color": INK, "linewidth": 0.8, "linestyle": (0, (3, 2)), "alpha": 0.6, "zorder": 1}
    x = panel.across(chosen.lr)
    lines = [[(x, panel.bottom), (x, panel.top)]]
    if radius and chosen.rho is not None:
        y = panel.up(chosen.rho)
        lines.append([(panel.left, y), (panel.right, y)])
    plot.strokes(lines, **style)


def _dot(step: int, retrained: bool = False) -> Mark:
    return Mark("s" if retrained else "o", 12 + 6 * step, STEPS[step], INK, 0.4)


def _points(
    plot: Plot, panel: Panel, name: str, spots: Sequence[Spot], mark: Mark, score: Score
) -> None:
    xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
    plot.points(panel.place, name, xs, ys, mark, [text(spot, score) for spot in spots])


def text(spot: Spot, of: Score) -> str:
    """What a point is, and what it scored."""
    run = spot.run
    score = f"{numbers.told(run.val, of)} validation" if _scored(run) else run.outcome
    rank = f", rank {run.rank + 1}" if run.rank >= 0 else ""
    rank += ", retrained" * spot.retrained
    named = f"point {run.point}" if run.source == "study" else f"trial {run.point} of a sweep"
    rho = f", rho {numbers.setting(run.rho)}" if known(run.rho) else ""
    return f"{run.variant}, {named}: {score}{rank}\nlr {numbers.setting(run.lr)}{rho}"


def _legend(plot: Plot, bounds: Sequence[float], score: Score) -> None:
    """The steps of the scale with their bounds, as they are shown."""
    worse, better = ("<", "≥") if score.sign > 0 else (">", "≤")
    shown = [_short(score.sign * bound, score) for bound in bounds]
    words = [f"{worse} {shown[0]}", *(f"{better} {bound}" for bound in shown)]
    y = plot.body - 0.1
    for step, word in enumerate(words):
        if 0 < step < len(bounds) and bounds[step - 1] == bounds[step]:
            continue  # equal scores left it empty
        x = LEFT + 0.06 + 0.62 * step
        plot.points(inches, f"scale-{step}", [x], [y], _dot(step))
        plot.text(x + 0.08, y, word, size=SMALL, va="center_baseline")


def _short(value: float, score: Score) -> str:
    """One decimal of a percent; of others what there is room for."""
    return f"{100 * value:.1f}" if score.in_percent else scales.plain(value)
