"""The setting to use: the optimum of a surface through all of an arm's validation scores.

Rule 9 of the protocol. The single best run is partly lucky; a surface borrows from its neighbours,
and from the reruns. The optimum is that of the surface less its standard error: where it is flat,
its highest place is one of the ends, of which no run speaks.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sambench.config import Arm, Space
from sambench.records import Fit, Score
from sambench.stats import surface
from sambench.training import Outcome, Run

EDGE = 0.1
"""Share of a range at either end; a pool has too few points there to say that scores fall again."""
ALONG = 17
"""Values of the radius at which the surface is kept."""
OTHERS = 512
"""Places of the other axes at each of them."""


def fits(
    arms: Mapping[str, Arm], results: Collection[tuple[Run, Outcome]], score: Score
) -> dict[str, Fit]:
    """Label -> the setting to use, of every arm that searched something; `score`: the study's."""
    found = {}
    for label, arm in arms.items():
        merits = [
            (_searched(arm, run), None if outcome.val is None else score.sign * outcome.val)
            for run, outcome in results
            if run.label == label
            and run.stage in ("pool", "confirm")
            and outcome.outcome in ("complete", "diverged")
        ]
        if (fit := chosen(arm, merits)) is not None:
            found[label] = _turned(fit, score.sign)
    return found


def _turned(fit: Fit, sign: int) -> Fit:
    """Of scores whose direction is their own again."""
    profile = [(value, sign * height, error) for value, height, error in fit.profile]
    return fit.model_copy(update={"expected": sign * fit.expected, "profile": profile})


def _searched(arm: Arm, run: Run) -> dict[str, Any]:
    """What a run has of the searched values."""
    values = {**run.hyperparameters, "lr": run.lr}
    return {name: values[name] for name in arm.space}


def chosen(arm: Arm, runs: Sequence[tuple[Mapping[str, Any], float | None]]) -> Fit | None:
    """The optimum of an arm's surface, to two digits; None without a search or a survivor.

    Where there is no surface (too few scores, or all equal), it is the best point, the first of
    equal ones.

    runs: searched values and validation score, more being better; None where a run diverged
    """
    scores = np.array([np.nan if score is None else score for _, score in runs])
    if not arm.space or not len(scores) or np.isnan(scores).all():
        return None
    found = surface.fit(_coordinates(arm, [own for own, _ in runs]), scores)
    if found is None:
        best = int(np.nanargmax(scores))
        own = {name: _rounded(arm.space[name], v) for name, v in runs[best][0].items()}
        return Fit(setting=own, edges=[], expected=float(scores[best]), noise=0.0, profile=[])
    positions = surface.places(len(arm.space))
    candidates = _settings(arm, positions)
    heights, errors = found(_coordinates(arm, candidates))
    best = int((heights - errors).argmax())
    return Fit(
        setting={name: _rounded(arm.space[name], v) for name, v in candidates[best].items()},
        edges=_edges(arm, positions[best]),
        expected=float(heights[best]),
        noise=float(found.noise),
        profile=_profile(arm, found),
    )


def _settings(arm: Arm, positions: np.ndarray) -> list[dict[str, Any]]:
    """The values at positions (n, d) in [0, 1]."""
    inside = np.minimum(positions, np.nextafter(1, 0))
    return [
        {name: space.at(float(u)) for (name, space), u in zip(arm.space.items(), row, strict=True)}
        for row in inside
    ]


def _coordinates(arm: Arm, settings: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(n, d): a range's position in it; a 0 or 1 for each choice."""
    columns: list[list[float]] = []
    for name, space in arm.space.items():
        values = [own[name] for own in settings]
        if space.choices is None:
            columns.append([space.place(value) for value in values])
        else:
            columns += [[float(value == one) for value in values] for one in space.choices]
    return np.array(columns).T


def _rounded(space: Space, value: Any) -> Any:
    """To two digits, within the range."""
    if not _is_continuous(space):
        return value
    low, high = space.bounds
    return min(max(float(f"{value:.2g}"), low), high)


def _edges(arm: Arm, position: np.ndarray) -> list[str]:
    """The continuous ranges at whose bounds a position lies."""
    places = zip(arm.space.items(), position, strict=True)
    return [n for (n, space), u in places if _is_continuous(space) and min(u, 1 - u) < EDGE]


def _is_continuous(space: Space) -> bool:
    return space.choices is None and not space.is_whole


def _profile(arm: Arm, found: surface.Surface) -> list[tuple[float, float, float]]:
    """Along the radius: its value, the surface's best over the other axes, its standard error."""
    space = arm.space.get(arm.radius or "")
    if space is None or space.choices is not None:
        return []
    others = surface.places(len(arm.space), OTHERS)
    axis = list(arm.space).index(arm.radius or "")
    profile = []
    for u in np.linspace(0, 1, ALONG):
        others[:, axis] = u
        settings = _settings(arm, others)
        heights, errors = found(_coordinates(arm, settings))
        best = int((heights - errors).argmax())
        value = float(settings[0][arm.radius or ""])
        profile.append((value, float(heights[best]), float(errors[best])))
    return profile
