"""The same answer from the inner 80% of each searched range: does it hang on what lies outside?"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sambench.analysis.contest import Contest
from sambench.analysis.evidence import Evidence
from sambench.analysis.runs import Runs
from sambench.analysis.verdict import headline
from sambench.config import Arm, Space
from sambench.stats import Tuned

MARGIN = 0.1
"""Share of a range that is left out at either end."""


def inner(evidence: Evidence) -> dict[str, Tuned]:
    """tuned(k) over those points, by label; arms with too few of them are left out."""
    found = {}
    for label, pool in evidence.pools.items():
        runs = evidence.runs[label]["pool"]
        points = runs["point"][is_inner(pool.arm, runs)]
        if tuned := pool.among(points).tuned(pool.trials):
            found[label] = tuned
    return found


def is_inner(arm: Arm, runs: Runs) -> np.ndarray:
    """Whether each lies there in all ranges, bool (runs,); choices have no ends."""
    found = np.ones(len(runs), bool)
    for name, space in arm.space.items():
        if space.choices is None:
            inside = [_is_inside(space, value) for value in _values(arm, runs, name)]
            found &= np.array(inside, bool)
    return found


def _values(arm: Arm, runs: Runs, name: str) -> list[float | str | None]:
    column = "rho" if name == arm.radius else name
    if column in ("lr", "rho"):
        return runs[column].tolist()
    return [values.get(name) for values in runs.values]


def _is_inside(space: Space, value: float | str | None) -> bool:
    low, high = space.bounds
    if not isinstance(value, int | float) or not low <= value <= high:
        return False
    return MARGIN <= space.place(value) <= 1 - MARGIN


def answer(evidence: Evidence, contest: Contest, found: Mapping[str, Tuned]) -> str:
    """The headline from there, of the arms that take part in the answer; "" where one cannot.

    It rests on as many searches as the points of the smallest pool hold.
    """
    if not contest.rivals or not set(contest.arms) <= set(found):
        return ""
    held = [len(found[label].influence) / evidence.trials[label] for label in contest.arms]
    arms = {label: found[label] for label in contest.arms}
    return headline(replace(contest, arms=arms, searches=min(held)), evidence)
