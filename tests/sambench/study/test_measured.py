"""Measures of other items than images, through a study's file and its kept weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sambench import config, records
from sambench.errors import UserError
from sambench.measures import Extent, Measure, measures, quantities, subject_of
from sambench.study.preflight import preflight
from sambench.training import Custom, Run, train, weights
from tests.sambench.conftest import SPEC
from tests.sambench.tasks.text.conftest import BERT
from tests.sambench.training.test_weights import run_of

SMALL = {"steps": 3, "draws": 2}
ROWS = {"kind": "tabular", "dataset": "wine", "model_args": {"width": 8}}
TRAIN = {"epochs": 2, "batch_size": 32, "base": "adamw"}


def small(name: str) -> Measure:
    cls = measures.get(name)
    return cls(**{key: value for key, value in SMALL.items() if key in cls.model_fields})


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """80 texts of two classes, of different lengths."""
    texts = [f"{'good' if i % 2 else 'bad'} {'film ' * (i % 5)}" for i in range(80)]
    frame = pd.DataFrame({"text": texts, "label": [i % 2 for i in range(80)]})
    frame.to_csv(tmp_path / "texts.csv", index=False)
    return tmp_path / "texts.csv"


def kept(task: dict[str, Any], folder: Path, **measure: Any) -> Run:
    asked = {"names": ["memorisation" if task.get("label_noise") else "ascent"], **measure}
    run = run_of(task=task, train=TRAIN, measure=asked)
    train(run, folder, lambda row: False)
    return run


def values(run: Run, folder: Path, names: list[str]) -> dict[str, float]:
    weighed = weights.read(folder / weights.NAME)
    with subject_of(run, weighed, Extent(3, 16), folder) as subject:
        return {k: v for name in names for k, v in small(name).of(subject.fewer(2)).items()}


def test_wrong_labels_of_rows_are_followed(tmp_path: Path):
    run = kept({**ROWS, "label_noise": 0.4}, tmp_path)
    found = values(run, tmp_path, ["memorisation", "calibration", "curvature"])
    assert 0 <= found["memorised"] <= 1 and found["hessian_trace"] != 0


def test_texts_of_different_lengths(tmp_path: Path, words: Path):
    run = kept({"kind": "text", "dataset": str(words), **BERT, "label_noise": 0.2}, tmp_path)
    names = ["ascent", "curvature", "slices", "generalisation", "memorisation"]
    found = values(run, tmp_path, names)
    assert {"ascent_worst", "hessian_eigenvalue_1", "slice_rise", "loss_gap"} <= set(found)


def test_pairs_are_measured(tmp_path: Path):
    task = {"kind": "algorithmic", "dataset": "a + b", "modulus": 11, "model_args": {"width": 16}}
    found = values(kept(task, tmp_path), tmp_path, ["adaptive_sharpness", "random_perturbation"])
    assert found["adaptive_worst"] >= 0 and "random_rise" in found


def test_losses_of_numbers_are_told_in_variances(run: Callable[..., Any], tmp_path: Path):
    """A whole study; what has no accuracy has a gap of losses alone."""
    run(
        {
            "name": "numbers",
            "variants": ["plain"],
            "variant": [{"name": "sam", "fix": {"rho": 0.05}}],
            "task": {**ROWS, "dataset": "diabetes", "objective": "rmse"},
            "train": TRAIN,
            "search": {"lr": 0.01, "margin": 1.0},
            "confirm": {"seeds": 2},
            "measure": {"names": ["generalisation", "ascent"], "set": {"ascent": {"steps": 2}}},
        }
    )
    folder = tmp_path / "runs" / "numbers"
    found = records.read(folder / "records.csv")
    units = {own["name"]: own["unit"] for own in found.header["measures"]}
    assert units["ascent_worst"] == units["loss_gap"] == "variances"
    tested = [own for own in found.records if own.stage == "confirm"]
    assert all(own.measures["ascent_worst"] is not None for own in tested)
    assert all(own.measures["accuracy_gap"] is None for own in tested)
    page = (folder / "leaderboard.md").read_text()
    assert "loss_gap" in page and "train_accuracy" not in page and "nats" not in page


@pytest.mark.parametrize(
    ("task", "name", "told"),
    [
        (ROWS, "corruptions", "measure.names: corruptions is for images; leave it out"),
        (
            {**ROWS, "dataset": "diabetes", "objective": "r2"},
            "calibration",
            "measure.names: calibration is for items of one class each; leave it out",
        ),
    ],
)
def test_what_they_cannot_have_is_refused_before_anything_runs(
    task: dict[str, Any], name: str, told: str, tmp_path: Path
):
    study = config.parse({**SPEC, "task": task, "train": TRAIN, "measure": {"names": [name]}})
    with pytest.raises(UserError, match=told):
        preflight(study, "cpu", tmp_path, Custom())


def test_units_of_classes_stay():
    study = config.parse({**SPEC, "task": ROWS, "train": TRAIN})
    (of_ascent,) = quantities({"ascent": small("ascent")}, study.task).values()
    assert {own.unit for own in of_ascent} == {"nats"}
