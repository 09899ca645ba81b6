"""A study's answer in one narrow table, an arm a line, in the order of the page.

arm, variant     its label in the study, its registry key
use              whether it is the one to use
group            letters: ranked arms that share one are not separated; "" if not ranked
trials           that the budget affords
score, low, high the test score to expect, and its own 95% interval
plain            the best ranked arm of the baseline, "" if none is ranked
minus_plain, minus_plain_low, minus_plain_high   the lead over it, and its 95% interval
beats_plain      whether it beats every arm of the baseline, after Holm's correction
cost             of a run, in full runs of the baseline
lr, rho          of the setting to use
"""

from typing import NamedTuple

import pandas as pd

from sambench.analysis.findings import Estimate, Leaderboard, Row
from sambench.analysis.tables._schema import NAN, typed


class AnsweredArm(NamedTuple):
    """A line of the answer; scores in their own unit, NaN where there is none."""

    arm: str
    variant: str
    use: bool
    group: str
    trials: float
    score: float
    low: float
    high: float
    plain: str
    minus_plain: float
    minus_plain_low: float
    minus_plain_high: float
    beats_plain: bool
    cost: float
    lr: float
    rho: float


def table(found: Leaderboard) -> pd.DataFrame:
    """One row per arm."""
    return typed(lines(found), AnsweredArm)


def lines(found: Leaderboard) -> list[AnsweredArm]:
    plain = next((row.label for row in found.rows if row.is_baseline and row.group), "")
    return [_line(row, plain, found.use) for row in found.rows]


def _line(row: Row, plain: str, use: str | None) -> AnsweredArm:
    lead = next((own.difference for own in row.against if own.label == plain), None)
    return AnsweredArm(
        row.label,
        row.key,
        row.label == use,
        row.group,
        row.trials,
        *_cells(row.score),
        plain,
        *_cells(lead),
        row.wins,
        _known(row.cost and row.cost.ratio),
        _known(row.setting and row.setting.lr),
        _known(row.setting and row.setting.rho),
    )


def _cells(found: Estimate | None) -> tuple[float, float, float]:
    return (found.value, _known(found.low), _known(found.high)) if found else (NAN, NAN, NAN)


def _known(value: float | None) -> float:
    return NAN if value is None else value
