"""What every table keeps, whatever the records."""

import numpy as np
import pandas as pd
import pytest

from sambench.analysis import tables
from sambench.analysis.tables import TABLES, across
from sambench.records import Records

FOUR = {"plain": 0.93, "sam": 0.95, "asam": 0.95, "esam": 0.92}


@pytest.mark.parametrize("name", TABLES)
def test_order_of_the_records_changes_nothing(make, name: str):
    found = make(FOUR)
    shuffled = Records(found.header, found.records[::-1])
    pd.testing.assert_frame_equal(TABLES[name](found), TABLES[name](shuffled))


@pytest.mark.parametrize("name", TABLES)
def test_without_records_columns_and_dtypes_stay(make, name: str):
    full = TABLES[name](make(FOUR, plain={"curve": "0.5 0.75"}, sam={"curve": "0.5"}))
    empty = TABLES[name](Records(make(FOUR).header, ()))
    assert len(full) > 0 and len(empty) == 0
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()
    assert list(full.columns) == list(getattr(tables, name).SCHEMA)


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
