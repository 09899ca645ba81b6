"""The tidy tables of a study, from records to pandas frames; one file each says what it holds.

Scores are in the unit and direction of the study's, shares in [0, 1]. A table without data is an
empty frame of the same columns and dtypes, and the order of the records changes nothing.
"""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.sharpness import ALL as ALL
from sambench.analysis.sharpness import WITHIN as WITHIN
from sambench.analysis.tables import (
    across,
    arms,
    confirmed,
    confusion,
    cost,
    curves,
    divergence,
    measures,
    memorisation,
    pool,
    radius,
    ranking,
    reliability,
    setting,
    severity,
    sharpness,
    slices,
    tuning,
)
from sambench.analysis.tables._lazy import Lazy as Lazy
from sambench.analysis.tables._schema import rows as rows
from sambench.analysis.tables.across import OverTasks as OverTasks
from sambench.analysis.tables.confirmed import ConfirmRun as ConfirmRun
from sambench.analysis.tables.confusion import Confused as Confused
from sambench.analysis.tables.cost import RunCost as RunCost
from sambench.analysis.tables.curves import CurvePoint as CurvePoint
from sambench.analysis.tables.divergence import Bin as Bin
from sambench.analysis.tables.measures import MeasuredArm as MeasuredArm
from sambench.analysis.tables.memorisation import Learned as Learned
from sambench.analysis.tables.pool import PoolRun as PoolRun
from sambench.analysis.tables.radius import ProfilePoint as ProfilePoint
from sambench.analysis.tables.radius import Radius as Radius
from sambench.analysis.tables.ranking import Difference as Difference
from sambench.analysis.tables.ranking import RankedArm as RankedArm
from sambench.analysis.tables.reliability import Reliability as Reliability
from sambench.analysis.tables.setting import SettingRun as SettingRun
from sambench.analysis.tables.severity import Corruption as Corruption
from sambench.analysis.tables.severity import Severity as Severity
from sambench.analysis.tables.sharpness import MeasuredRun as MeasuredRun
from sambench.analysis.tables.sharpness import Tau as Tau
from sambench.analysis.tables.slices import Position as Position
from sambench.analysis.tables.tuning import TuningPoint as TuningPoint


def frames(evidence: Evidence, found: Leaderboard) -> Mapping[str, pd.DataFrame]:
    """By name, in the order of the story; `over_tasks` takes several studies."""
    return Lazy(
        {
            "ranking": partial(ranking.table, found),
            "differences": partial(ranking.differences, found),
            "tuning": partial(tuning.table, evidence),
            "cost": partial(cost.table, found),
            "pool": partial(pool.table, evidence),
            "confirmed": partial(confirmed.table, evidence),
            "setting": partial(setting.table, evidence),
            "radius": partial(radius.table, evidence),
            "profile": partial(radius.profiles, evidence),
            "divergence": partial(divergence.table, evidence),
            "curves": partial(curves.table, evidence),
            **(_measured(evidence, found) if found.measured else {}),
        }
    )


def _measured(evidence: Evidence, found: Leaderboard) -> dict[str, Callable[[], pd.DataFrame]]:
    """Of weights, those with anything in them."""
    made = {
        "measures": measures.table(found),
        "sharpness": sharpness.table(evidence),
        "correlation": sharpness.correlations(evidence),
        "severity": severity.severities(evidence, found),
        "corruption": severity.corruptions(evidence, found),
        "reliability": reliability.table(evidence, found),
        "slices": slices.table(evidence, found),
        "confusion": confusion.table(evidence, found),
        "memorisation": memorisation.table(evidence, found),
    }
    return {name: partial(_same, frame) for name, frame in made.items() if len(frame)}


def _same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


over_tasks = across.table
answer = arms.table
