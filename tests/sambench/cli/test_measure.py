"""`sambench measure`: of a file, of a study, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sambench.tasks.images import models
from sambench.training import weights
from tests.sambench.cli.conftest import Call
from tests.sambench.training.test_weights import run_of, trained

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder with one run, whose weights are kept."""
    folder = tmp_path_factory.mktemp("measured") / "runs" / "tiny"
    run = run_of()
    trained(run, folder / "runs" / run.id)
    return folder


@pytest.fixture
def file(kept: Path) -> Path:
    return kept / "runs" / run_of().id / weights.NAME


def test_of_a_file(call: Call, file: Path):
    command = ("measure", file, "--measure", "calibration", "--measure", "ascent", "--json")
    code, out, err = call(*command)
    assert code == 0, err
    (found,) = json.loads(out).values()
    assert {"ece", "ece_adaptive", "brier", "nll"} < set(found)
    told = {"measure": "calibration", "unit": "nats", "direction": "minimize", "items": 30}
    assert found["quantities"]["nll"] == told and found["failed"] == {}
    assert set(found) - set(found["quantities"]) == {"quantities", "failed"}
    (wider,) = json.loads(call(*command, "--set", "ascent.rho=0.1")[1]).values()
    assert wider["nll"] == found["nll"]
    assert wider["ascent_first_order"] == pytest.approx(2 * found["ascent_first_order"])


def test_what_fails_costs_the_others_nothing(call: Call, file: Path):
    code, out, _ = call("measure", file, "--measure", "memorisation", "--measure", "calibration")
    assert code == 0 and "nobody knows the true labels" in " ".join(out.split()) and "nll" in out


def test_of_a_study_with_own_parts(refused: Refused, file: Path, tmp_path: Path):
    kept = weights.read(file)
    assert kept.run is not None
    model = models.build(kept.run.study.task, channels=3, classes=10)
    weights.keep(kept.run, tmp_path, model, "", ("model",))
    line = refused("measure", tmp_path / weights.NAME)
    assert "its study brought its own model by Python; load the weights into the model" in line
    assert "sambench.measure(model, data)" in line


def test_of_a_study_once(call: Call, kept: Path, tmp_path: Path):
    shutil.copytree(kept, tmp_path / "runs" / "tiny")
    command = ("measure", "tiny", "--measure", "ascent", "--batches", 1)
    assert call(*command)[0] == 0
    left = next(tmp_path.glob("runs/tiny/runs/*/measures.json"))
    before = left.stat().st_mtime_ns
    assert call(*command)[0] == 0 and left.stat().st_mtime_ns == before
    assert call(*command, "--set", "ascent.rho=0.2")[0] == 0
    assert json.loads(left.read_text())["settings"]["ascent"]["rho"] == 0.2
    assert call("measure", "tiny", "--measure", "calibration", "--batches", 2)[0] == 0
    settings = json.loads(left.read_text())["settings"]
    assert settings["ascent"]["items"] == 128 and settings["calibration"]["items"] == 256
    assert call(*command, "--batches", 2, "--batch-size", 64)[0] == 0
    assert json.loads(left.read_text())["settings"]["ascent"] == {
        "rho": 0.05,
        "steps": 10,
        "items": 128,
    }


def test_of_weights_from_elsewhere(call: Call, refused: Refused, file: Path, tmp_path: Path):
    own = tmp_path / "own.safetensors"
    save_file(dict(weights.read(file).tensors), own)
    assert "does not say whose weights it holds; name their task: --study" in refused(
        "measure", own
    )
    (tmp_path / "mine.toml").write_text(
        'variants = ["plain"]\n[task]\ndataset = "synthetic"\nimage_size = 8\n'
        'model = "test_resnet"\n[train]\nepochs = 1\nbatch_size = 32\n[search]\nlr = 0.1\n'
    )
    code, out, err = call("measure", own, "--study", "mine.toml", "--measure", "calibration")
    assert code == 0 and "ece" in out, err


def test_weights_of_another_model(refused: Refused, file: Path, tmp_path: Path):
    tensors = dict(weights.read(file).tensors)
    name = next(iter(tensors))
    (tmp_path / "mine.toml").write_text(
        'variants = ["plain"]\n[task]\ndataset = "synthetic"\nimage_size = 8\n'
        'model = "test_resnet"\n[train]\nepochs = 1\nbatch_size = 32\n[search]\nlr = 0.1\n'
    )
    own = tmp_path / "own.safetensors"
    for changed, what in (
        ({k: v for k, v in tensors.items() if k != name}, f"{name} is missing"),
        ({**tensors, name: torch.ones(2)}, f"{name} is (2,), not"),
        ({**tensors, "more": torch.ones(2)}, "it has no more"),
    ):
        save_file(changed, own)
        assert what in refused("measure", own, "--study", "mine.toml")


def test_refusals(refused: Refused, file: Path, tmp_path: Path):
    assert "did you mean calibration" in refused("measure", file, "--measure", "calibratio")
    assert "ascent.rh: unknown key, did you mean rho?" in refused(
        "measure", file, "--set", "ascent.rh=1"
    )
    assert "ascent.rho: must be > 0, got -1" in refused("measure", file, "--set", "ascent.rho=-1")
    assert "must be NAME.KEY" in refused("measure", file, "--set", "rho=1")
    assert "'ascent' is not measured" in refused(
        "measure", file, "--measure", "calibration", "--set", "ascent.rho=1"
    )
    assert "no such file" in refused("measure", "gone.safetensors")
    assert "no folder of a study" in refused("measure", "gone")
    (tmp_path / "runs" / "tiny" / "runs").mkdir(parents=True)
    assert "kept its weights; set confirm.keep_weights = true" in refused("measure", "tiny")
    assert "is for a file of weights" in refused("measure", "tiny", "--study", "digits")
