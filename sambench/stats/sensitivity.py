"""How finely a radius must be tuned, from search trials over (lr, radius).

The profile of a radius is its best expected score over lr, read from a smooth surface through the
trials (`surface`) in log coordinates. The interval is where the profile lies within one standard
error of its best, the one-standard-error rule (Breiman et al. 1984, sec. 3.4.3): the standard error
of a score, which is one run, is the sd over seeds. Scores far below the best are raised to a floor
first: how bad a bad trial is says nothing about the top, and cliffs of diverged trials bend a
smooth surface.
"""

from dataclasses import dataclass
from math import isnan, log10, nan

import numpy as np

from sambench.stats.surface import fit

MIN_TRIALS = 16  # fewer know less about the width than its spread over made-up surfaces
MAX_TRIALS = 128  # more are thinned evenly: the fit is cubic in them
FLOOR = 1.5  # of the distance from the best to the median score, below the best
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
    """Of scores (trials,), each with this standard error; both ranges are in log space."""
    if len(scores) < MIN_TRIALS:
        return Sensitivity(trials=len(scores), note=f"too few trials: {MIN_TRIALS} are needed")
    if not error > 0:
        return Sensitivity(trials=len(scores), note="no standard error: too few seeds")
    kept = np.unique(np.linspace(0, len(scores) - 1, MAX_TRIALS).round().astype(int))
    lr, radius, scores = lr[kept], radius[kept], scores[kept]
    points = np.stack([_unit(lr, lr_bounds), _unit(radius, radius_bounds)], axis=-1)
    surface = fit(points, raised(scores), error)
    grid = np.stack(np.meshgrid(*(np.linspace(0, 1, n) for n in GRID), indexing="ij"), axis=-1)
    profile = surface(grid.reshape(-1, 2)).reshape(GRID).max(axis=0)
    radii = np.geomspace(*radius_bounds, GRID[1])
    best, low, high = within(profile, error)
    return Sensitivity(
        best=float(radii[best]),
        low=float(radii[low]),
        high=float(radii[high]),
        decades=log10(radii[high] / radii[low]),
        regret=_regret(profile, radii, default),
        trials=len(kept),
        note=_note(radius_bounds, default),
    )


def raised(scores: np.ndarray) -> np.ndarray:
    """Scores with the bad ones raised to a floor below the median."""
    best = scores.max()
    return np.maximum(scores, best - FLOOR * (best - np.median(scores)))


def within(profile: np.ndarray, error: float) -> tuple[int, int, int]:
    """Index of the best, and of the ends of the run around it that is within `error` of it."""
    best = int(profile.argmax())
    outside = np.flatnonzero(profile < profile[best] - error)
    low = int(outside[outside < best].max(initial=-1)) + 1
    high = int(outside[outside > best].min(initial=len(profile))) - 1
    return best, low, high


def _unit(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    low, high = np.log(bounds)
    return (np.log(values) - low) / (high - low)


def _note(bounds: tuple[float, float], default: float) -> str:
    if isnan(default):
        return "the default is not known"
    return "" if bounds[0] <= default <= bounds[1] else "the default was not searched"


def _regret(profile: np.ndarray, radii: np.ndarray, default: float) -> float:
    if not radii[0] <= default <= radii[-1]:
        return nan
    return float(profile.max() - np.interp(np.log(default), np.log(radii), profile))
