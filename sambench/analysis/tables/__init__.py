"""The tidy tables of a study, from records to pandas frames; one file each says what it holds.

Scores are shares in [0, 1]. A table without data is an empty frame of the same columns and dtypes,
and the order of the records changes nothing.
"""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.tables import (
    across,
    arms,
    confirmed,
    cost,
    curves,
    divergence,
    measures,
    pool,
    radius,
    ranking,
    setting,
    tuning,
)
from sambench.analysis.tables._lazy import Lazy as Lazy
from sambench.analysis.tables._schema import rows as rows
from sambench.analysis.tables.across import OverTasks as OverTasks
from sambench.analysis.tables.confirmed import ConfirmRun as ConfirmRun
from sambench.analysis.tables.cost import RunCost as RunCost
from sambench.analysis.tables.curves import CurvePoint as CurvePoint
from sambench.analysis.tables.divergence import Bin as Bin
from sambench.analysis.tables.measures import MeasuredArm as MeasuredArm
from sambench.analysis.tables.pool import PoolRun as PoolRun
from sambench.analysis.tables.radius import ProfilePoint as ProfilePoint
from sambench.analysis.tables.radius import Radius as Radius
from sambench.analysis.tables.ranking import Difference as Difference
from sambench.analysis.tables.ranking import RankedArm as RankedArm
from sambench.analysis.tables.setting import SettingRun as SettingRun
from sambench.analysis.tables.tuning import TuningPoint as TuningPoint


def frames(evidence: Evidence, found: Leaderboard) -> Mapping[str, pd.DataFrame]:
    """By name, in the order of the story; `over_tasks` takes several studies."""
    told = {"measures": partial(measures.table, found)} if found.measured else {}
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
            **told,
        }
    )


over_tasks = across.table
answer = arms.table
