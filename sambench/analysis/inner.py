"""The same answer from the inner 80% of each searched range: does it hang on what lies outside?"""

from collections.abc import Mapping
from dataclasses import replace

from sambench.analysis.contest import Contest
from sambench.analysis.evidence import Evidence, Run
from sambench.analysis.verdict import headline
from sambench.config import Arm, Space
from sambench.stats import Tuned

MARGIN = 0.1
"""Share of a range that is left out at either end."""


def inner(evidence: Evidence) -> dict[str, Tuned]:
    """tuned(k) over those points, by label; arms with too few of them are left out."""
    found = {}
    for label, pool in evidence.pools.items():
        points = {run.point for run in evidence.runs[label]["pool"] if is_inner(pool.arm, run)}
        if tuned := pool.among(points).tuned(pool.trials):
            found[label] = tuned
    return found


def is_inner(arm: Arm, run: Run) -> bool:
    """Whether it lies there in all ranges; choices have no ends."""
    return all(_is_inside(space, run.values.get(name)) for name, space in arm.space.items())


def _is_inside(space: Space, value: float | str | None) -> bool:
    if space.choices is not None:
        return True
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
