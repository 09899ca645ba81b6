"""Numbers that a measure sums up, in records and back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sambench.records import Axis, Quantity, pack_numbers, read, unpack_numbers, write
from tests.sambench.conftest import Make

TABLE = Quantity(
    name="table",
    unit="share",
    direction="maximize",
    axes=(Axis(name="corruption", ticks=("fog", "snow")), Axis(name="severity", ticks=(0, 1, 2))),
)
SQUARE = Quantity(
    name="square",
    unit="share",
    direction="maximize",
    axes=(Axis(name="true class"), Axis(name="predicted class")),
)


def test_shapes():
    assert TABLE.shape(6) == (2, 3) and TABLE.shape(5) is None and TABLE.shape(0) is None
    assert SQUARE.shape(100) == (10, 10) and SQUARE.shape(10) is None
    assert Quantity(name="a", unit="b", direction="minimize").shape(1) is None


def test_they_come_back_in_single_precision_and_four_thirds_of_its_bytes():
    values = np.array([0.1, -3.0, np.nan, np.inf])
    text = pack_numbers(values)
    np.testing.assert_array_equal(unpack_numbers(text), values.astype("f4").astype(float))
    assert len(text) == -(-4 * 4 // 3) * 4 and unpack_numbers("").size == 0


def with_details(make: Make, path: Path, text: str) -> list[str]:
    found = make({"plain": 0.9})
    header = {**found.header, "measures": [TABLE.model_dump(), SQUARE.model_dump()]}
    first, *rest = found.records
    first = replace(first, measures={"table": 0.5, "square": None}, details={"table": text})
    write(path, header, [first, *rest])
    again = read(path)
    kept = [run for run in again.records if run.details["table"]]
    assert all(run == replace(first, details={"table": text, "square": ""}) for run in kept)
    return [str(damage) for damage in again.damages]


def test_records_keep_them(make: Make, tmp_path: Path):
    assert with_details(make, tmp_path / "digits.csv", pack_numbers(np.arange(6) / 7)) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no text", "details_table is no base64"),
        (pack_numbers(np.ones(5)), "does not fit its axes"),
    ],
)
def test_others_do_not_count(make: Make, tmp_path: Path, text: str, told: str):
    (damage,) = with_details(make, tmp_path / "digits.csv", text)
    assert told in damage
