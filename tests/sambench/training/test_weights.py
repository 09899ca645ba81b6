"""Kept weights: they say whose they are, are those that were tested, and run no code."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sambench import config, seeds
from sambench.errors import UserError
from sambench.training import Run, engine_for, train, weights
from tests.sambench.conftest import SPEC


def run_of(stage: str = "confirm", **changes: object) -> Run:
    study = config.parse({**SPEC, "confirm": {"keep_weights": True}, **changes})
    return Run(
        study=study,
        label="plain",
        key="plain",
        stage=stage,
        point=0,
        rerun=0,
        seeds=seeds.derive(0, "confirm", 0, 0),
        lr=0.1,
        hyperparameters={},
        epochs=2,
    )


def trained(run: Run, folder: Path) -> float | None:
    return train(run, folder, lambda row: False).test


@pytest.mark.parametrize("train_changes", [{}, {"ema": 0.9}, {"yields": "best"}])
def test_they_are_the_weights_that_were_tested(tmp_path: Path, train_changes: dict[str, object]):
    run = run_of(train={**SPEC["train"], **train_changes})
    tested = trained(run, tmp_path)
    kept = weights.read(tmp_path / weights.NAME)
    assert kept.run == run and kept.own == ()
    from sambench.tasks.images import load
    from sambench.training import Custom

    engine = engine_for(run, load(run.study.task, run.seeds.streams), Custom())
    engine.evaluated.load_state_dict(dict(kept.tensors))
    assert engine.evaluate(engine.data.test).values["accuracy"] == tested


@pytest.mark.parametrize("stage, asked", [("pool", False), ("pool", True), ("trial", True)])
def test_of_the_pool_only_where_the_search_keeps_them(tmp_path: Path, stage: str, asked: bool):
    run = run_of(stage, search={**SPEC["search"], "keep_weights": asked})
    trained(run, tmp_path)
    assert (tmp_path / weights.NAME).exists() == (stage == "pool" and asked)


def test_a_study_that_measures_keeps_them():
    run = run_of(confirm={}, measure={"names": ["calibration"]})
    assert run.keeps_weights and not replace(run, stage="pool").keeps_weights
    assert not run_of(confirm={}).keeps_weights


def test_identity_of_runs_does_not_depend_on_it():
    plain, keeping = run_of(confirm={}), run_of(measure={"names": ["ascent"]})
    assert config.fingerprint(plain.study) == config.fingerprint(keeping.study)


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize("content", ["pickle", "torch", "text", "cut"])
def test_other_files_are_refused_and_run_nothing(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.safetensors"
    if content == "pickle":
        path.write_bytes(pickle.dumps(Trap()))
    elif content == "torch":
        torch.save({"a": torch.ones(3)}, path)
    elif content == "text":
        path.write_text("no weights")
    else:
        weights.keep(run_of(), tmp_path, torch.nn.Linear(2, 2), "")
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UserError, match="no safetensors file, or a damaged one"):
        weights.read(path)
    assert not Path("trapped").exists()


def test_metadata_of_others_are_no_run(tmp_path: Path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert weights.read(tmp_path / "a.safetensors").run is None
    save_file({"a": torch.ones(2)}, tmp_path / "b.safetensors", {"sambench": '{"study": 3}'})
    with pytest.raises(UserError, match="cannot be read"):
        weights.read(tmp_path / "b.safetensors")


def test_tied_weights(tmp_path: Path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    weights.keep(run_of(), tmp_path, model, "")
    kept = weights.read(tmp_path / weights.NAME).tensors
    assert torch.equal(kept["0.weight"], kept["1.weight"])
