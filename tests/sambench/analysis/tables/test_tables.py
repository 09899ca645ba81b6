"""What every table keeps, whatever the records."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sambench.analysis import comparison, published, tables
from sambench.analysis.rankings import rankings
from sambench.analysis.tables import across
from sambench.config import EQUAL_EPOCHS
from sambench.records import Records

FOUR = {"plain": 0.93, "sam": 0.95, "asam": 0.95, "esam": 0.92}
ROWS = {
    "ranking": tables.RankedVariant,
    "results": tables.ConfirmRun,
    "cost": tables.RunCost,
    "search": tables.SearchRun,
    "divergence": tables.Bin,
    "sensitivity": tables.RadiusEstimate,
    "budget": tables.BudgetPoint,
    "curves": tables.CurvePoint,
}


def frames(found: Records) -> dict[str, pd.DataFrame]:
    return tables.frames(found, rankings(found))


@pytest.mark.parametrize("name", ROWS)
def test_order_of_the_records_changes_nothing(make, name: str):
    found = make(FOUR)
    shuffled = Records(found.header, found.records[::-1])
    pd.testing.assert_frame_equal(frames(found)[name], frames(shuffled)[name])


@pytest.mark.parametrize("name", ROWS)
def test_without_records_columns_and_dtypes_stay(make, name: str):
    full = frames(make(FOUR, plain={"curve": "0.5 0.75"}, sam={"curve": "0.5"}))[name]
    empty = frames(Records(make(FOUR).header, ()))[name]
    assert len(full) > 0 and len(empty) == 0
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()
    assert tuple(full.columns) == ROWS[name]._fields
    assert len(tables.rows(full, ROWS[name])) == len(full)


def test_all_is_compared_once(make, monkeypatch):
    """For the answer, its tables and both rankings of a study with two baselines."""
    found, called = make({**FOUR, EQUAL_EPOCHS: 0.9}, **{EQUAL_EPOCHS: {"key": "plain"}}), []
    real = comparison.compare
    monkeypatch.setattr(
        "sambench.analysis.rankings.compare", lambda *x: called.append(x) or real(*x)
    )
    study = published.study(Path("digits.csv"), found)
    assert len(study.tables["ranking"]) == 8 and len(called) == 2


def studies(make, num: int) -> list[Records]:
    return [make({**FOUR, "sam": 0.95 + 0.01 * i}, seeds=6 + i) for i in range(num)]


def test_across_three_studies(make):
    found = across.table(studies(make, 3)).set_index("variant")
    assert (found.index[0], found.index[-1]) == ("sam", "esam")
    assert found["mean_rank"].is_monotonic_increasing and set(found["studies"]) == {3}
    assert found["mean_rank"].sum() == 1 + 2 + 3 + 4
    assert found.loc["sam", "low"] < found.loc["sam", "iqm_difference"] < found.loc["sam", "high"]
    assert found.loc["sam", "iqm_difference"] == pytest.approx(0.03, abs=0.01)
    assert np.isnan(found.loc["plain", "iqm_difference"])


def test_across_fewer_studies_says_nothing(make):
    empty = across.table(studies(make, 2))
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == across.table(studies(make, 3)).dtypes.to_dict()
