"""Every variant over several tasks.

    variant          label; in two tasks or more
    tasks            how many rank it, in a study that concludes something
    difference       mean over tasks of its lead over the best plain, in [-1, 1]; > 0 is better
    low, high        its 95% interval
    beyond           whether the interval holds the variation between tasks, and so speaks for tasks
                     like these: from five on; before that it speaks for these very tasks

A task is its data, noise, model and recipe, and studies that share runs are of one task. Of several
studies of one that of most searches counts, then of the largest budget, then the first by name.
Scores that are no shares have units of their own, and are in no mean.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from sambench.analysis.csv_tables import rounded
from sambench.analysis.evidence import Evidence
from sambench.analysis.ranked import rank
from sambench.analysis.tables._schema import typed
from sambench.stats import Across, Contrast, across

SAME = {"task": {"stream"}, "train": {"yields", "engine", "compile"}}
"""Keys that make no other task: how it is computed, and which epoch's weights a run yields."""


class OverTasks(NamedTuple):
    """A line of the table."""

    variant: str
    tasks: int
    difference: float
    low: float
    high: float
    beyond: bool


def table(studies: Sequence[Evidence]) -> pd.DataFrame:
    """One row per variant, the largest mean first."""
    ranked = {id(study): rank(study) for study in studies}
    leads: dict[str, list[Contrast]] = {}
    able = [own for own in studies if own.score.in_percent and not ranked[id(own)].obstacle]
    for study in tasks(able):
        contest = ranked[id(study)].contest
        for label in contest.rivals:
            leads.setdefault(label, []).append(contest.contrast(label, contest.best_plain))
    found = {label: across(own) for label, own in leads.items() if len(own) > 1}
    order = sorted(found, key=lambda label: (-found[label].difference, label))
    return rounded(typed([_line(label, found[label]) for label in order], OverTasks))


def tasks(studies: Sequence[Evidence]) -> list[Evidence]:
    """One study of each task, by name."""
    kept: list[Evidence] = []
    for study in sorted(studies, key=_weight):
        if not any(_is_one(study, other) for other in kept):
            kept.append(study)
    return sorted(kept, key=lambda study: study.header["study"])


def _weight(study: Evidence) -> tuple[float, float, str]:
    return -study.size.searches, -study.size.budget, study.header["study"]


def _is_one(a: Evidence, b: Evidence) -> bool:
    return _task(a) == _task(b) or not a.identities.isdisjoint(b.identities)


def _task(study: Evidence) -> dict[str, object]:
    return study.study.model_dump(mode="json", include=set(SAME), exclude=SAME)


def _line(label: str, found: Across) -> OverTasks:
    return OverTasks(label, found.tasks, found.difference, found.low, found.high, found.is_sample)
