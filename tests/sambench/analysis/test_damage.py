"""Damaged lines make an answer partial; nonsense in whole ones stops no analysis."""

from pathlib import Path
from typing import Any

import pytest

from sambench import records
from sambench.analysis import analyse
from sambench.analysis.evidence import Evidence
from sambench.analysis.tables import frames
from sambench.records import Records
from tests.sambench.analysis.conftest import changed, of, row, with_runs
from tests.sambench.conftest import Make


@pytest.fixture(scope="module")
def study(make: Make) -> Records:
    return make({"plain": 0.88, "sam": 0.93})


def test_a_damaged_line_is_a_missing_run(study: Records, tmp_path: Path):
    path = tmp_path / "digits.csv"
    records.write(path, study.header, study.records)
    whole = analyse(records.read(path))
    assert whole.headline == analyse(study).headline and whole.damages == ()
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("digits,plain,plain,pool,7,"))
    lines[at] = lines[at].replace(",pool,7,", ",pool,8,")
    path.write_text("\n".join(lines) + "\n")
    found = analyse(records.read(path))
    assert len(found.damages) == 1 and found.damages[0].startswith(f"line {at + 1}: ")
    assert found.kind == "partial" and row(found, "plain").why == "its pool has 39 of 40 points"


NONSENSE: list[dict[str, Any]] = [
    {"lr": -1.0},
    {"lr": 1e300, "rho": -0.5},
    {"hyperparameters": "{}"},
    {"steps": 0},
    {"gradient_evaluations": 0.0},
    {"gradient_evaluations": float("inf")},
    {"step_time_s": None, "wall_s": float("nan")},
    {"num_items": 7},
    {"items": {"accuracy": ""}},
    {"curve": ""},
    {"rank": 99},
    {"outcome": "pruned"},
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
def test_nonsense_stops_nothing(study: Records, nonsense: dict[str, Any]):
    """In one run of each stage, and in all runs of an arm."""
    some = {id(of(study, "sam", stage)[1]) for stage in ("pool", "confirm", "setting")}
    for hit in (lambda r: id(r) in some, lambda r: r.variant == "sam"):
        found = changed(study, hit, **nonsense)
        answer = analyse(found)
        assert answer.headline and "nan" not in answer.headline + answer.advice
        assert dict(frames(Evidence(found), answer))  # each of them is made


def test_a_header_s_nonsense_stops_nothing(study: Records):
    fits = {label: {**fit, "edges": ["none_such"]} for label, fit in study.header["fits"].items()}
    assert analyse(with_runs(study, study.records, fits=fits)).warnings == ()
    late = analyse(with_runs(study, study.records, extension=64))
    assert not any(own.wins for own in late.rows)
