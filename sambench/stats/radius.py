"""How finely a radius must be tuned, from search trials over (lr, radius).

The profile of a radius is its best expected score over lr, read from a smooth surface through the
trials (`surface`) in log coordinates. The interval is where the profile lies within one standard
error of its best, the one-standard-error rule (Breiman et al. 1984, sec. 3.4.3): the standard error
of a score, which is one run, is the sd over seeds. Only the better half of the trials is fitted:
how bad a bad trial is says nothing about the top, and a cliff bends a smooth surface everywhere.

On made-up studies with known truth (tests/sambench/stats/test_sensitivity.py; noise of 1 point) the
width errs by 0.2 decades (rms; widths differ by 0.27) from 32 trials on, the regret by 1.3, 0.7 and
0.6 points (rms; regrets differ by 1.5) at 16, 32 and 64.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from sambench.stats.logarithms import decades, evenly, places
from sambench.stats.surface import fit

MIN_TRIALS = 16  # for the best radius and the regret
MIN_WIDTH = 32  # for the interval; fewer err by as much as widths differ between studies
MAX_TRIALS = 128  # more are thinned evenly: the fit is cubic in them
GRID = (61, 201)  # lr, radius


@dataclass(frozen=True)
class Sensitivity:
    """NaN, and a note that says why, where the trials cannot tell."""

    best: float = nan
    """radius of the highest profile"""
    low: float = nan
    high: float = nan
    """where the profile is within one standard error of its best, cut at the searched range"""
    decades: float = nan
    """log10(high / low)"""
    regret: float = nan
    """score lost at the default radius, at its own best lr"""
    trials: int = 0
    """that the estimate rests on"""
    note: str = ""


def sensitivity(
    lr: np.ndarray,
    radius: np.ndarray,
    scores: np.ndarray,
    error: float,
    lr_bounds: tuple[float, float],
    radius_bounds: tuple[float, float],
    default: float = nan,
) -> Sensitivity:
    """Of scores (trials,), each with this standard error; both ranges are in log space.

    Leave out diverged trials: they have no score.
    """
    if len(scores) < MIN_TRIALS:
        return Sensitivity(trials=len(scores), note=f"too few trials: {MIN_TRIALS} are needed")
    if not error > 0:
        return Sensitivity(trials=len(scores), note="no standard error: too few seeds")
    kept = np.unique(np.linspace(0, len(scores) - 1, MAX_TRIALS).round().astype(int))
    lr, radius, scores = lr[kept], radius[kept], scores[kept]
    used = upper_half(scores, error)
    points = np.stack([places(lr, lr_bounds), places(radius, radius_bounds)], axis=-1)
    surface = fit(points[used], scores[used], error)
    profile = surface(*(np.linspace(0, 1, n) for n in GRID)).max(axis=0)
    radii = evenly(*radius_bounds, GRID[1])
    best, low, high = within(profile, error)
    wide = len(kept) >= MIN_WIDTH
    return Sensitivity(
        best=float(radii[best]),
        low=float(radii[low]) if wide else nan,
        high=float(radii[high]) if wide else nan,
        decades=decades(radii[low], radii[high]) if wide else nan,
        regret=_regret(profile, radius_bounds, default),
        trials=len(kept),
        note="; ".join(_notes(wide, radius_bounds, default)),
    )


def upper_half(scores: np.ndarray, error: float) -> np.ndarray:
    """Which scores are not more than two standard errors below the median."""
    return scores >= np.median(scores) - 2 * error


def within(profile: np.ndarray, error: float) -> tuple[int, int, int]:
    """Index of the best, and of the ends of the run around it that is within `error` of it."""
    best = int(profile.argmax())
    outside = np.flatnonzero(profile < profile[best] - error)
    low = int(outside[outside < best].max(initial=-1)) + 1
    high = int(outside[outside > best].min(initial=len(profile))) - 1
    return best, low, high


def _notes(wide: bool, bounds: tuple[float, float], default: float) -> Iterator[str]:
    if not wide:
        yield f"too few trials for the width: {MIN_WIDTH} are needed"
    if isnan(default):
        yield "the default is not known"
    elif not bounds[0] <= default <= bounds[1]:
        yield "the default was not searched"


def _regret(profile: np.ndarray, bounds: tuple[float, float], default: float) -> float:
    if not bounds[0] <= default <= bounds[1]:
        return nan
    at = float(places([default], bounds)[0]) * (len(profile) - 1)
    left = min(int(at), len(profile) - 2)
    a, b = profile[left : left + 2].tolist()
    return float(profile.max()) - (a + (b - a) * (at - left))
