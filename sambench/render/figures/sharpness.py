"""Sharpness against the generalisation gap: a panel for each sharpness, a mark for each run."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sambench.analysis import numbers
from sambench.analysis.tables import ALL, WITHIN, MeasuredRun, Tau, rows
from sambench.render.figures import key, scales
from sambench.render.figures.known import by_variant
from sambench.render.figures.marks import Mark
from sambench.render.figures.panels import Layout, Panel, multiples
from sambench.render.figures.plot import Plot, arms
from sambench.render.figures.style import Look

NAMES = {"accuracy_gap": "gap, points", "loss_gap": "gap in loss"}
MOST, FEWEST = 200, 10  # runs of a panel, and of an arm, that are drawn
LOGARITHMIC = 10  # largest over smallest, from which a sharpness is drawn so


def draw(runs: pd.DataFrame, taus: pd.DataFrame, look: Look) -> Plot | None:
    """By the first gap that was measured; None where no run has both."""
    every = rows(runs, MeasuredRun)
    gap = every[0].gap if every else ""
    found: dict[str, list[MeasuredRun]] = {}
    for run in every:
        if run.gap == gap:
            found.setdefault(run.measure, []).append(run)
    if not found:
        return None
    told = {(tau.measure, tau.of): tau for tau in rows(taus, Tau) if tau.gap == gap}
    most = max(FEWEST, MOST // len({run.variant for run in every}))
    thinned = any(len(own) > most for own in by_variant(next(iter(found.values()))).values())
    labels = look.sorted({run.variant for run in every})
    layout, foot = Layout(len(found), own="x"), key.height(labels, look)
    plot = Plot(
        "sharpness",
        f"Sharpness and the {gap.replace('_', ' ')}",
        f"Generalisation gap against {len(found)} kinds of sharpness, a panel for each, a mark for "
        f"each measured run of {arms(len(labels))}. {_alt(found, told)}",
        f"Each mark is a confirm run: how much better it does in training than on test items "
        f"({_named(gap)}), by the sharpness of its training loss. \u03c4: Kendall's rank "
        "correlation over all runs, and in brackets the mean of those within each arm."
        + f" Of an arm at most {most} runs are drawn; all count."
        * thinned,
        layout.body + foot,
    )
    y = scales.Scale(*scales.limits([run.gap_value for own in found.values() for run in own]))
    axes = [(_across([run.sharpness for run in own]), y) for own in found.values()]
    names = [
        (f"{_taus(name, told)}{', log' * x.log}".removeprefix(", "), _named(gap))
        for name, (x, _) in zip(found, axes, strict=True)
    ]
    places = multiples(plot, layout, list(found), axes, names, look, plot.body)
    for (name, own), panel in zip(found.items(), places, strict=True):
        _panel(plot, panel, name, {v: _some(r, most) for v, r in by_variant(own).items()}, look)
    key.draw(plot, labels, look)
    return plot


def _named(gap: str) -> str:
    return NAMES.get(gap, gap)


def _across(values: Sequence[float]) -> scales.Scale:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOGARITHMIC:
        return scales.log_scale(low, high)
    return scales.Scale(*scales.limits(values))


def _taus(name: str, told: Mapping[tuple[str, str], Tau]) -> str:
    whole, within = told.get((name, ALL)), told.get((name, WITHIN))
    if whole is None:
        return ""
    inner = f" ({_signed(within.tau)})" if within else ""
    return f"\u03c4 {_signed(whole.tau)}{inner}"


def _alt(found: Mapping[str, object], told: Mapping[tuple[str, str], Tau]) -> str:
    taus = [f"{name} {_taus(name, told)}" for name in found if (name, ALL) in told]
    return f"Kendall's tau over all runs, and within arms: {numbers.listing(taus)}." if taus else ""


def _signed(value: float) -> str:
    return f"{value:+z.2f}".replace("-", "\u2212")


def _some(runs: Sequence[MeasuredRun], most: int) -> Sequence[MeasuredRun]:
    """Evenly spread over the points."""
    return runs[:: -(-len(runs) // most)]


def _panel(
    plot: Plot, panel: Panel, name: str, own: Mapping[str, Sequence[MeasuredRun]], look: Look
) -> None:
    for variant in reversed(look.sorted(own)):
        xs, ys = [run.sharpness for run in own[variant]], [run.gap_value for run in own[variant]]
        colour, area = look.colour(variant), 12 if look.told(variant) else 6
        mark = Mark(look.marker(variant), area, colour, alpha=0.7 * look.alpha(variant))
        texts = [_text(run) for run in own[variant]]
        plot.points(panel.place, f"{name}-{variant}", xs, ys, mark, texts)


def _text(run: MeasuredRun) -> str:
    sharp, gap = numbers.setting(run.sharpness), numbers.setting(run.gap_value)
    return f"{run.variant}, point {run.point}, rerun {run.rerun}: {sharp}, {_named(run.gap)} {gap}"
