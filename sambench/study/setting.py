"""The setting to use: the optimum of a surface through all of an arm's validation scores.

Rule 9 of the protocol. The single best run is partly lucky; a surface borrows from its neighbours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sambench.config import Arm, Space
from sambench.records import Fit
from sambench.stats import surface
from sambench.stats.surface import Surface

STEPS = 129
"""Positions along an axis that the optimum is moved to, ends included."""
ROUNDS = 3
"""Of moves along all axes."""
ALONG = 17
"""Values of the radius at which the surface is kept."""
OTHERS = 512
"""Places of the other axes at each of them."""


def chosen(arm: Arm, points: Sequence[tuple[Mapping[str, Any], float | None]]) -> Fit | None:
    """Where an arm's surface is highest, to two digits; None without a search or a survivor.

    Where there is no surface (too few scores, or all equal), it is the best point, the first of
    equal ones.

    points: searched values and validation score, None where a run diverged
    """
    scores = np.array([np.nan if score is None else score for _, score in points])
    if not arm.space or not len(scores) or np.isnan(scores).all():
        return None
    found = surface.fit(_coordinates(arm, [own for own, _ in points]), scores)
    if found is None:
        best = int(np.nanargmax(scores))
        own = {name: _rounded(arm.space[name], v) for name, v in points[best][0].items()}
        return Fit(setting=own, edges=[], expected=float(scores[best]), noise=0.0, profile=[])
    position, height = _highest(arm, found)
    (setting,) = _settings(arm, position[None])
    return Fit(
        setting={name: _rounded(arm.space[name], value) for name, value in setting.items()},
        edges=_edges(arm, position),
        expected=height,
        noise=float(found.noise),
        profile=_profile(arm, found),
    )


def _highest(arm: Arm, found: Surface) -> tuple[np.ndarray, float]:
    """Where the surface is highest, (d,), and how high: the best of many places, moved from there.

    Along each axis in turn, to its ends as well: no place of several axes lies just there.
    """
    position, height = _best(arm, found, surface.places(len(arm.space)))
    for axis in [*range(len(arm.space))] * ROUNDS:
        line = np.tile(position, (1 + STEPS, 1))  # where it is comes first: it stays if all is flat
        line[1:, axis] = np.linspace(0, 1, STEPS)
        position, height = _best(arm, found, line)
    return position, height


def _best(arm: Arm, found: Surface, positions: np.ndarray) -> tuple[np.ndarray, float]:
    """The first of the highest positions, and its height."""
    heights, _ = found(_coordinates(arm, _settings(arm, positions)))
    best = int(heights.argmax())
    return positions[best], float(heights[best])


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
    return [name for (name, space), u in places if _is_continuous(space) and u in (0, 1)]


def _is_continuous(space: Space) -> bool:
    return space.choices is None and not space.is_whole


def _profile(arm: Arm, found: Surface) -> list[tuple[float, float, float]]:
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
        best = int(heights.argmax())
        value = float(settings[0][arm.radius or ""])
        profile.append((value, float(heights[best]), float(errors[best])))
    return profile
