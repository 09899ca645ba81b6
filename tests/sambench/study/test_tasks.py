"""A study of another task than images, from its table to its page."""

from pathlib import Path
from typing import Any

import pytest
import torch

from sambench import records
from sambench.analysis import published
from sambench.errors import UserError
from sambench.study.run import run_study
from sambench.tasks import TensorData
from sambench.tasks.tabular import Tabular

SPEC: dict[str, Any] = {
    "name": "rows",
    "variants": ["plain"],
    "variant": [{"name": "sam", "fix": {"rho": 0.05}}],
    "train": {"epochs": 2, "batch_size": 64, "base": "adamw"},
    "search": {"lr": 0.01},
    "confirm": {"seeds": 2},
}


def run(root: Path, task: Tabular, **given: Any) -> records.Records:
    run_study(SPEC, task=task, root=root, workers=1, wandb="disabled", **given)
    return records.read(root / "rows" / "records.csv")


def test_its_page_speaks_of_its_score(tmp_path: Path):
    task = Tabular(dataset="breast_cancer", label_noise=0.1, objective="f1_macro")
    found = run(tmp_path, task)
    assert found.objective == "f1_macro"
    assert [score["name"] for score in found.header["scores"]] == ["accuracy", "loss", "f1_macro"]
    tested = [run for run in found.records if run.stage == "confirm"]
    assert len(tested) == 8 and all(0 < run.test["f1_macro"] < 1 for run in tested)
    assert 0.3 < found.header["chance"] < 0.5  # half of F1 of the larger class
    page = (tmp_path / "rows" / "leaderboard.md").read_text()
    assert "test macro F1, %" in page and "accuracy" not in page
    assert "mlp on breast_cancer" in page and "image" not in page
    errors = published.read(tmp_path / "rows" / "records.csv").tables["ranking"]["test_set_se"]
    assert 0.001 < float(errors.max()) < 0.1 and "another test set adds the test-set SE" in page
    web = (tmp_path / "rows" / "index.html").read_text()
    assert "test macro F1, %" in web and "test accuracy" not in web
    assert "validation accuracy" not in web.lower()


def test_numbers_are_scored_below_0_too(tmp_path: Path):
    found = run(tmp_path, Tabular(dataset="diabetes", objective="r2"))
    assert not found.damages and found.header["chance"] == 0
    page = (tmp_path / "rows" / "leaderboard.md").read_text()
    assert "test R2, %" in page and "accuracy" not in page


@pytest.mark.parametrize(
    ("model", "args"),
    [("tabm", {"k": 4, "width": 16, "depth": 2}), ("ft-transformer", {"depth": 1, "width": 16})],
)
def test_networks_of_other_packages_are_studied_and_measured(
    tmp_path: Path, model: str, args: dict[str, int]
):
    task = Tabular(dataset="wine", model=model, model_args=args)
    spec = SPEC | {"measure": {"names": ["curvature", "ascent", "calibration"]}}
    run_study(spec, task=task, root=tmp_path, workers=1, wandb="disabled")
    found = records.read(tmp_path / "rows" / "records.csv")
    tested = [run for run in found.records if run.stage == "confirm"]
    assert len(tested) == 8 and not found.damages
    values = [value for run in tested for value in run.measures.values()]
    assert len(values) >= 8 * 6 and None not in values
    assert f"{model} on wine" in (tmp_path / "rows" / "leaderboard.md").read_text()


def test_tensors_of_ones_own_are_not_scaled(tmp_path: Path):
    x = 1e-6 * torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    y = 1e6 * x.sum(1)
    sets = ((x[rows], y[rows]) for rows in (slice(200), slice(200, 250), slice(250, 300)))
    data = TensorData.from_tensors(*sets)
    batch, _ = next(iter(data.eval_batches(data.train, batch_size=200)))
    assert torch.equal(batch, x[:200])
    found = run(tmp_path, Tabular(dataset="mine", objective="r2"), data=data)
    assert found.header["own"]["data"] == data.digest()


def test_data_that_lack_what_the_objective_needs_are_refused(tmp_path: Path):
    x, y = torch.randn(30, 2), torch.zeros(30, dtype=torch.int64)
    y[:15] = 1
    data = TensorData.from_tensors((x, y), (x[:5], y[:5]), (x[15:], y[15:]))
    with pytest.raises(
        UserError, match=r"auroc needs every class in every set, and 1 of 2 .* \(val\)$"
    ):
        run(tmp_path, Tabular(dataset="mine", objective="auroc"), data=data)
    numbers = TensorData.from_tensors(*[(x, x[:, 0])] * 3)
    with pytest.raises(UserError, match=r"task\.objective: accuracy is no score of numbers"):
        run(tmp_path, Tabular(dataset="mine"), data=numbers)
