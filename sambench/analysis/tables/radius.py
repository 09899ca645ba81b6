"""How finely a radius must be tuned, and what its paper's default costs: from the study's surface.

radius: one line per arm whose radius was searched
    radius       name of the hyperparameter that records call rho
    used         of the setting to use
    low, high    around it, as far as a single run's spread from it: who trains once cannot tell
                 these apart
    decades      log10(high / low), NaN from 0
    default      the paper's, NaN where it has none
    regret_of_default   by how much the default does worse on validation data; NaN where no point
                 lay
profile:
    radius, value, score, se   the surface along the radius, on validation data, and its error

Radii are compared by the surface less its standard error (plus it, where less is better), each at
its best other values, which is how the setting to use was picked; and only between the smallest and
the largest that ran. The surface is fitted once, in the study, which stores it at 17 radii: ends of
`low` to `high` are some of those, or the outermost that ran, and what lies between them is
interpolated.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.tables._schema import NAN, typed
from sambench.config import Arm, Space
from sambench.records import Fit
from sambench.stats import decades


class Radius(NamedTuple):
    """A line of the radii."""

    variant: str
    radius: str
    used: float
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
        ProfilePoint(arm.label, name, *point)
        for arm, name, fit in _fitted(evidence)
        for point in _profile(arm.space[name], fit, _ran(evidence, arm))
    ]
    return typed(found, ProfilePoint)


def _fitted(evidence: Evidence) -> Iterator[tuple[Arm, str, Fit]]:
    """Arms whose surface has a profile, and the radius that it follows."""
    for label, arm in evidence.arms.items():
        fit = evidence.fits.get(label)
        if fit and fit.profile and arm.radius and len(_ran(evidence, arm)):
            yield arm, arm.radius, fit


def _ran(evidence: Evidence, arm: Arm) -> np.ndarray:
    """Its radii of all runs that ended."""
    radii = evidence.all_runs(arm.label).ended["rho"]
    return radii[~np.isnan(radii)]


def _profile(space: Space, fit: Fit, ran: np.ndarray) -> np.ndarray:
    """Radius, surface and its error, (n, 3), from the smallest radius that ran to the largest."""
    stored = np.array(fit.profile)
    ends = np.clip([ran.min(), ran.max()], stored[0, 0], stored[-1, 0])
    inside = stored[(ends[0] < stored[:, 0]) & (stored[:, 0] < ends[1])]
    values = np.unique([ends[0], *inside[:, 0], ends[1]])
    at, known = ([space.place(float(v)) for v in own] for own in (values, stored[:, 0]))
    return np.stack([values, *(np.interp(at, known, own) for own in stored.T[1:])], axis=1)


def _radii(evidence: Evidence) -> Iterator[Radius]:
    for arm, name, fit in _fitted(evidence):
        space = arm.space[name]
        values, scores, errors = _profile(space, fit, _ran(evidence, arm)).T
        sure = evidence.score.sign * scores - errors
        places = np.array([space.place(float(value)) for value in values])
        used, default = float(fit.setting[name]), arm.defaults.get(name, NAN)
        top = float(np.interp(space.place(used), places, sure))
        first, last = _around(
            sure >= top - fit.noise, int(abs(places - space.place(used)).argmin())
        )
        low, high = float(values[first]), float(values[last])
        known = values[0] <= default <= values[-1]
        lost = top - float(np.interp(space.place(default), places, sure)) if known else NAN
        yield Radius(
            variant=arm.label,
            radius=name,
            used=used,
            low=low,
            high=high,
            decades=decades(low, high) if low > 0 else NAN,
            default=default,
            regret_of_default=max(lost, 0.0) if known else NAN,
        )


def _around(good: np.ndarray, used: int) -> tuple[int, int]:
    """First and last of the unbroken run of good ones around the one that is used."""
    bad = np.flatnonzero(~good)
    before, after = bad[bad < used], bad[bad > used]
    return int(before.max(initial=-1)) + 1, int(after.min(initial=len(good))) - 1
