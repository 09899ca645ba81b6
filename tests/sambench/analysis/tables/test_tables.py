"""What every table keeps, whatever the records."""

from pathlib import Path

import pandas as pd
import pytest

from sambench.analysis import analyse, published, tables
from sambench.analysis.evidence import Evidence
from sambench.records import Records
from tests.sambench.analysis.conftest import with_runs
from tests.sambench.conftest import Make

ROWS = {
    "ranking": tables.RankedArm,
    "differences": tables.Difference,
    "tuning": tables.TuningPoint,
    "cost": tables.RunCost,
    "pool": tables.PoolRun,
    "confirmed": tables.ConfirmRun,
    "setting": tables.SettingRun,
    "radius": tables.Radius,
    "profile": tables.ProfilePoint,
    "divergence": tables.Bin,
    "curves": tables.CurvePoint,
}


def frames(found: Records) -> dict[str, pd.DataFrame]:
    return tables.frames(Evidence(found), analyse(found))


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    return make({"plain": 0.9, "sam": 0.92})


def test_order_of_the_records_changes_nothing(study: Records):
    shuffled = frames(with_runs(study, study.records[::-1]))
    for name, frame in frames(study).items():
        pd.testing.assert_frame_equal(frame, shuffled[name])


def test_without_records_columns_and_dtypes_stay(study: Records):
    """What the header knows stays: arms and the surfaces through their scores."""
    full, empty = frames(study), frames(with_runs(study, [], arms={}))
    assert list(full) == list(ROWS)
    for name, frame in full.items():
        assert len(frame) > 0 and len(empty[name]) == 0, name
        assert frame.dtypes.to_dict() == empty[name].dtypes.to_dict()
        assert tuple(frame.columns) == ROWS[name]._fields
        assert len(tables.rows(frame, ROWS[name])) == len(frame)


def test_published_tables_have_nine_digits(study: Records):
    found = published.study(Path("digits.csv"), study).tables["tuning"]
    for value in found["score"]:
        assert value == float(f"{value:.9g}")
