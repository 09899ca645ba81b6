"""Records come back exactly as written, and damage is named by file and line."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sambench import records
from sambench.errors import UserError
from sambench.records import Record

HEADER = {
    "study": "digits #1",
    "spec": {"question": "Is #1 the best?"},
    "spaces": {},
    "command": "python -m sambench study",
    "commit": "0123abc",
    "date": "2026-11-22",
    "versions": {},
    "hardware": {},
    "test_runs": 1,
}
CORRECT = np.arange(13) % 3 == 0
RECORD = Record(
    study="digits",
    variant="sam #2, wide",
    key="sam",
    stage="confirm",
    trial=3,
    seed=1,
    seed_split=2**63 - 1,
    seed_labels=2,
    seed_init=3,
    seed_order=4,
    lr=0.1 + 0.2,
    rho=None,
    hyperparameters=json.dumps({"rho": 0.05, "form": 'a "b"'}),
    epochs=10,
    epochs_done=7,
    outcome="diverged",
    reason='loss is nan\nin epoch 7, "late"',
    val_accuracy=1 / 3,
    val_loss=1e-300,
    test_accuracy=None,
    test_loss=None,
    train_loss=float("inf"),
    test_correct=records.pack(CORRECT),
    num_test=13,
    gradient_evaluations=120.0,
    steps=120,
    step_time_s=0.02,
    wall_s=2.5,
    device="cpu",
    threads=1,
    torch="2.15.0",
    source="study",
    curve="0.2500 0.3333",
    peak_memory=None,
    wandb="",
)
RUNS = [replace(RECORD, seed=seed, variant=name) for seed, name in enumerate(["NA", "ü", "sam"])]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "records.csv"
    records.write(target, HEADER, RUNS)
    return target


def test_everything_comes_back(tmp_path: Path):
    records.write(tmp_path / "r.csv", HEADER, [RECORD, *RUNS])
    found = records.read(tmp_path / "r.csv")
    assert found.records == (RECORD, *RUNS)
    assert found.header == {**HEADER, "format": 2, "num_records": 4}


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path):
    run = replace(RECORD, lr=np.float64(0.1), epochs=np.int64(3), val_loss=np.float32(0.5))
    records.write(tmp_path / "r.csv", HEADER, [run])
    assert records.read(tmp_path / "r.csv").records == (
        replace(RECORD, lr=0.1, epochs=3, val_loss=0.5),
    )


def test_writing_again_gives_the_same_bytes(path: Path):
    before, found = path.read_bytes(), records.read(path)
    records.write(path, found.header, found.records)
    assert path.read_bytes() == before


def test_pandas_reads_the_file_and_the_frame_agrees(path: Path):
    outside = pd.read_csv(path, comment="#", keep_default_na=False, na_values={"rho": ""})
    frame = records.read(path).frame
    assert path.read_text().count("#") == 1
    assert list(outside["variant"]) == list(frame["variant"]) == ["NA", "ü", "sam"]
    assert list(outside.columns) == [*asdict(RECORD), "check"]
    assert json.loads(str(outside["hyperparameters"].iloc[0])) == {"rho": 0.05, "form": 'a "b"'}
    assert frame["lr"].dtype == float and frame["epochs"].dtype == int
    assert frame["rho"].tolist() == pytest.approx([np.nan] * 3, nan_ok=True)
    assert outside["lr"].tolist() == frame["lr"].tolist() == [0.1 + 0.2] * 3


def test_a_study_without_runs(tmp_path: Path):
    records.write(tmp_path / "r.csv", HEADER, [])
    found = records.read(tmp_path / "r.csv")
    assert found.records == () and list(found.frame.columns) == list(asdict(RECORD))


def test_packed_images_come_back():
    assert (records.unpack(RECORD.test_correct, 13) == CORRECT).all()


Edit = Callable[[list[str]], list[str]]
DAMAGE: dict[str, tuple[Edit, str]] = {
    "empty file": (lambda lines: [], "line 1: damaged header"),
    "header is no JSON": (lambda lines: [lines[0][:-5], *lines[1:]], "line 1: damaged header"),
    "another format": (
        lambda lines: [lines[0].replace('"format": 2', '"format": 3'), *lines[1:]],
        "line 1: not the header of a records file of format 2",
    ),
    "another CSV": (lambda lines: ["# []", "a,b", "1,2"], "line 1: not the header"),
    "header key gone": (
        lambda lines: [lines[0].replace('"commit"', '"komit"'), *lines[1:]],
        "line 1: the header lacks commit",
    ),
    "column gone": (
        lambda lines: [lines[0], lines[1].replace(",rho", ""), *lines[2:]],
        "line 2: missing column rho",
    ),
    "column added": (lambda lines: [lines[0], lines[1] + ",x", *lines[2:]], "line 2: the columns"),
    "digit changed": (
        lambda lines: [*lines[:3], lines[3].replace(",120.0,", ",121.0,"), lines[4]],
        "line 4: damaged or cut off",
    ),
    "line cut": (lambda lines: [*lines[:4], lines[4][:-30]], "line 5: damaged or cut off"),
    "line gone": (lambda lines: lines[:4], "line 4: the file ends here with 2 records"),
    "line doubled": (lambda lines: [*lines, lines[4]], "line 6: the file ends here with 4 records"),
    "cell is no number": (
        lambda lines: [*lines[:4], forged(lines[4], ",3,4,0.3", ",3,x,0.3")],
        "line 5: not a record",
    ),
    "cell too many": (lambda lines: [*lines[:4], forged(lines[4], "sam", "s,m")], "line 5: not a"),
}


def forged(line: str, old: str, new: str) -> str:
    """A changed line with the check that fits it."""
    body = line.rpartition(",")[0].replace(old, new)
    return f"{body},{records._crc(body)}"


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named(path: Path, case: str):
    edit, message = DAMAGE[case]
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(UserError) as caught:
        records.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(path: Path):
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xff"))
    with pytest.raises(UserError, match="line 4: damaged: not UTF-8"):
        records.read(path)


def test_no_such_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"none.csv: no such records file"):
        records.read(tmp_path / "none.csv")
    with pytest.raises(UserError, match="cannot be read"):
        records.read(tmp_path)


def test_a_failed_write_leaves_the_old_file(path: Path):
    before = path.read_bytes()
    with pytest.raises(ValueError):
        records.write(path, {**HEADER, "test_runs": float("nan")}, RUNS)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
