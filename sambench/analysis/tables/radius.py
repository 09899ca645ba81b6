"""How finely a radius must be tuned, and what its paper's default costs: from the study's surface.

radius: one line per arm whose radius was searched
    radius       name of the hyperparameter that records call rho
    best         where the surface is highest, each radius at its own best other values
    low, high    around it, as far as the surface lies within the spread of a single run of its
                 highest: who trains once cannot tell these apart; cut at the searched range
    decades      log10(high / low), NaN from 0
    default      the paper's, NaN where it has none
    regret_of_default   score of validation lost at the default; NaN outside the range
profile:
    radius, value, score, se   the surface along the radius, on validation data, and its error

The surface is fitted once, in the study, which stores it at 17 radii: ends of `low` to `high` are
some of those, and what lies between them is interpolated.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import NAN, typed
from sambench.config import Space
from sambench.records import Fit
from sambench.stats import decades


class Radius(NamedTuple):
    """A line of the radii."""

    variant: str
    radius: str
    best: float
    low: float
    high: float
    decades: float
    default: float
    regret_of_default: float


class ProfilePoint(NamedTuple):
    """A line of the profiles."""

    variant: str
    radius: str
    value: float
    score: float
    se: float


def table(evidence: Evidence) -> pd.DataFrame:
    """One row per arm with a profile, in the study's order."""
    return typed(_radii(evidence), Radius)


def profiles(evidence: Evidence) -> pd.DataFrame:
    """One row per such arm and radius."""
    found = [
        ProfilePoint(label, name, *point)
        for label, name, fit in _fitted(evidence)
        for point in fit.profile
    ]
    return typed(found, ProfilePoint)


def _fitted(evidence: Evidence) -> Iterator[tuple[str, str, Fit]]:
    """Arms whose surface has a profile, and the radius that it follows."""
    for label, arm in evidence.arms.items():
        fit = evidence.fits.get(label)
        if fit and fit.profile and arm.radius:
            yield label, arm.radius, fit


def _radii(evidence: Evidence) -> Iterator[Radius]:
    for label, name, fit in _fitted(evidence):
        values, scores, _ = np.array(fit.profile).T
        best = int(scores.argmax())
        first, last = _around(scores >= scores[best] - fit.noise, best)
        low, high = float(values[first]), float(values[last])
        arm = evidence.arms[label]
        default = arm.defaults.get(name, NAN)
        yield Radius(
            variant=label,
            radius=name,
            best=float(values[best]),
            low=low,
            high=high,
            decades=decades(low, high) if low > 0 else NAN,
            default=default,
            regret_of_default=float(scores[best]) - _at(default, arm.space[name], values, scores),
        )


def _around(good: np.ndarray, best: int) -> tuple[int, int]:
    """First and last of the unbroken run of good ones around the best."""
    bad = np.flatnonzero(~good)
    before, after = bad[bad < best], bad[bad > best]
    return int(before.max(initial=-1)) + 1, int(after.min(initial=len(good))) - 1


def _at(value: float, space: Space, values: np.ndarray, scores: np.ndarray) -> float:
    """The score at a radius, linear between the stored ones on the scale of the search."""
    if not values[0] <= value <= values[-1]:
        return NAN
    places = [space.place(float(known)) for known in values]
    return float(np.interp(space.place(value), places, scores))
