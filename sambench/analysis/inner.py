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
            found &= _is_inside(space, _values(arm, runs, name))
    return found


def _values(arm: Arm, runs: Runs, name: str) -> np.ndarray:
    """Of a searched hyperparameter, NaN where it is no number, (runs,)."""
    column = "rho" if name == arm.radius else name
    if column in ("lr", "rho"):
        return runs[column]
    found = [own.get(name) for own in runs.values]
    return np.array([own if isinstance(own, int | float) else np.nan for own in found], float)


def _is_inside(space: Space, values: np.ndarray) -> np.ndarray:
    low, high = space.bounds
    found = (low <= values) & (values <= high)
    places = np.array(space.places(values[found].tolist()), float)
    found[found] = (places >= MARGIN) & (places <= 1 - MARGIN)
    return found


def answer(evidence: Evidence, contest: Contest, found: Mapping[str, Tuned]) -> str:
    """The headline from there, of the arms that take part in the answer; "" where one cannot.

    It rests on as many searches as the points of the smallest pool hold.
    """
    if not contest.rivals or not set(contest.arms) <= set(found):
        return ""
    held = [len(found[label].influence) / evidence.trials[label] for label in contest.arms]
    arms = {label: found[label] for label in contest.arms}
    return headline(replace(contest, arms=arms, searches=min(held)), evidence)
