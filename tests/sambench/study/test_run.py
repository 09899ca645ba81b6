"""Whole tiny studies: inline and with workers, resumed, forked, with a model of one's own."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import sambench
from sambench import records
from sambench.errors import UserError
from sambench.records import Record
from sambench.seeds import derive
from sambench.study import Settings
from sambench.tasks import images
from sambench.training import Engine, Outcome, train

Spec = dict[str, Any]
Recorded = Callable[[Path], list[Record]]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


def test_a_study_from_end_to_end(spec: Spec, run: Any, recorded: Recorded, tmp_path: Path):
    analysis = run(spec, command="python -m sambench study tiny.toml")
    folder = tmp_path / "runs" / "tiny"
    found = recorded(folder)
    stages = [(r.stage, r.variant, r.trial, r.seed) for r in found]
    winner = {r.variant: r.trial for r in found if r.stage == "confirm"}
    assert stages == [
        *[("search", v, t, 0) for v in ("plain", "sam") for t in (0, 1)],
        *[("finalist", v, winner[v], 1) for v in ("plain", "sam")],
        *[("confirm", v, winner[v], s) for v in ("plain", "sam") for s in (1000, 1001)],
    ]
    assert {r.outcome for r in found} == {"complete"}
    assert {r.num_test for r in found if r.stage == "confirm"} == {30}

    header = records.read(folder / "records.csv").header
    assert header["test_runs"] == 4
    assert header["command"] == "python -m sambench study tiny.toml"
    assert set(header["spaces"]["sam"]) == {"lr", "rho"}
    assert set(header["spaces"]["plain"]) == {"lr", "epochs_factor"}

    page = (folder / "leaderboard.md").read_text()
    assert "reliminary" in page and "sam" in page  # two seeds rank nothing
    assert analysis.study == "tiny"
    assert not (folder / "wandb").exists()
    assert not list(folder.rglob("checkpoint.pt"))
    json.loads((folder / "study.json").read_text())


def test_the_baseline_at_equal_epochs_is_recorded_and_not_ranked_among_the_others(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    analysis = run({**spec, "equal_epochs": True})
    again = [r for r in recorded(tmp_path / "runs" / "tiny") if r.variant == "plain-equal-epochs"]
    assert [r.stage for r in again] == ["search", "search", "finalist", "confirm", "confirm"]
    assert {r.epochs for r in again} == {spec["train"]["epochs"]}
    assert {row.label for row in analysis.rows} == {"plain", "sam"}


def test_gradient_evaluations_are_counted(spec: Spec, run: Any, recorded: Recorded, tmp_path: Path):
    run(spec)
    for record in recorded(tmp_path / "runs" / "tiny"):
        assert record.steps == 2 * record.epochs  # 64 images in batches of 32
        passes = {"plain": 1, "sam": 2}[record.variant]
        assert record.gradient_evaluations == passes * record.steps
        if record.variant == "plain":
            assert record.epochs in (1, 2, 4)


def test_two_workers_record_what_one_process_records(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    run(spec)
    run(spec, workers=2, root=tmp_path / "two")
    whole = recorded(tmp_path / "runs" / "tiny")
    two = recorded(tmp_path / "two" / "tiny")
    assert {r.threads for r in two} == {max(1, torch.get_num_threads())}
    assert two == whole


def test_the_same_call_again_trains_nothing_and_changes_nothing(
    spec: Spec, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run(spec)
    files = [tmp_path / "runs" / "tiny" / name for name in ("records.csv", "leaderboard.md")]
    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(Engine, "train_epoch", None)
    run(spec)
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize("lost", ["journal.log", "study.json", "records.csv", "one run"])
def test_what_is_lost_is_made_again(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path, lost: str
):
    run(spec)
    folder = tmp_path / "runs" / "tiny"
    before = recorded(folder)
    victim = folder / "runs" / "search-sam-t1-s0" / "result.json" if lost == "one run" else None
    (victim or folder / lost).unlink()
    run(spec)
    assert recorded(folder) == before


def test_a_changed_study_is_refused_unless_it_is_forked(spec: Spec, run: Any, tmp_path: Path):
    run(spec)
    before = (tmp_path / "runs" / "tiny" / "records.csv").read_bytes()
    with pytest.raises(UserError, match=r"keys have changed since: train\.epochs"):
        run(spec, ("train.epochs=1",))
    analysis = run(spec, ("train.epochs=1", "name=shorter"))
    assert analysis.study == "shorter"
    assert (tmp_path / "runs" / "shorter" / "records.csv").exists()
    assert (tmp_path / "runs" / "tiny" / "records.csv").read_bytes() == before


def test_a_study_in_which_everything_diverges_still_reports(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    spec["search"]["space"]["lr"] = {"low": 1e5, "high": 1e6, "log": True}
    spec["train"] |= {"weight_decay": 1e3, "epochs": 6}
    run(spec)
    found = recorded(tmp_path / "runs" / "tiny")
    assert {(r.stage, r.outcome) for r in found} == {("search", "diverged")}
    assert all("epoch" in r.reason for r in found)
    assert "diverged" in (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()


def test_a_variant_that_diverges_leaves_the_others_their_result(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def run_(config: Any, *arguments: Any, **options: Any) -> Outcome:
        outcome = train(config, *arguments, **options)
        if config.label == "sam":
            return Outcome("diverged", "non-finite loss in epoch 1", epochs_done=1)
        return outcome

    monkeypatch.setattr("sambench.executors.assignment.train", run_)
    run(spec)
    outcomes = {(r.variant, r.stage, r.outcome) for r in recorded(tmp_path / "runs" / "tiny")}
    assert ("plain", "confirm", "complete") in outcomes
    assert {o for o in outcomes if o[0] == "sam"} == {("sam", "search", "diverged")}
    assert "diverged" in (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()


def test_another_model_of_ones_own_is_another_study(spec: Spec, run: Any, code: ModuleType):
    run(spec, model=code.linear)
    with pytest.raises(UserError, match=r"own\.model; .*--fork"):
        run(spec, model=code.dropout)


@pytest.mark.parametrize("workers", [1, 2])
def test_own_model_data_and_loss(
    spec: Spec, run: Any, recorded: Recorded, code: ModuleType, tmp_path: Path, workers: int
):
    from sambench.config import parse

    own = images.load(parse(spec).task, derive(7).streams)
    own = replace(own, classes=tuple("abcdefghij"))
    del spec["task"]["split"]
    spec["task"]["model"] = "mine"
    run(spec, model=code.linear, data=own, loss=code.focal, workers=workers)
    found = recorded(tmp_path / "runs" / "tiny")
    assert {r.outcome for r in found} == {"complete"}
    assert {r.num_test for r in found if r.stage == "confirm"} == {len(own.test)}


def test_run_study_is_public_and_takes_tables_paths_and_studies(
    spec: Spec, run: Any, study_file: Path, tmp_path: Path
):
    from sambench.config import load
    from sambench.study.run import resolve

    assert sambench.run_study.__name__ == "run_study"
    as_tables, as_path, as_study = resolve(spec), resolve(study_file), resolve(load(study_file))
    assert as_tables == as_path == as_study
    assert resolve(as_study, ["train.epochs=5"]).train.epochs == 5


def test_a_pruner_and_tpe_run_to_the_end_and_again(
    spec: Spec, run: Any, recorded: Recorded, code: ModuleType, tmp_path: Path
):
    spec["search"] |= {"trials": 20, "sampler": "tpe", "pruner": "hyperband"}
    spec["train"]["epochs"] = 4
    spec["task"]["model"] = "mine"
    run(spec, model=code.linear)
    folder = tmp_path / "runs" / "tiny"
    before = recorded(folder)
    pruned = [r for r in before if r.outcome == "pruned"]
    assert pruned and all(r.epochs_done / r.epochs >= 0.3 for r in pruned)
    assert {r.stage for r in pruned} == {"search"}
    run(spec, model=code.linear)
    assert recorded(folder) == before
    run(spec, model=code.linear, root=tmp_path / "again")
    assert recorded(tmp_path / "again" / "tiny") == before


def test_a_variant_that_does_not_go_with_the_base_is_refused(spec: Spec, run: Any):
    spec["variants"] = ["plain", "momentum_sam"]
    spec["train"]["momentum"] = 0.0
    with pytest.raises(UserError, match="momentum_sam needs a base optimizer with momentum"):
        run(spec)


def test_a_model_that_does_not_fit_the_images_fails_before_anything_is_stored(
    spec: Spec, run: Any, tmp_path: Path
):
    spec["task"]["image_size"] = 9  # 3 x 81 values, where `linear` expects 3 x 64
    with pytest.raises(UserError, match=r"your own model does not take images \(3, 9, 9\)"):
        run(spec, model=lambda channels, classes: torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(channels * 64, classes)
        ))  # fmt: skip
    assert not (tmp_path / "runs" / "tiny").exists()


def test_one_validation_image_is_enough(spec: Spec, run: Any):
    spec["task"]["split"]["val"] = 1
    analysis = run(spec, ("confirm.seeds=1", "search.trials=1"))
    assert {row.label: row.confirm["complete"] for row in analysis.rows} == {"plain": 1, "sam": 1}


def test_options_stand_above_settings(spec: Spec):
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        sambench.run_study(spec, settings=Settings(workers=1), workers=0)


def test_workers_must_be_positive(spec: Spec, run: Any):
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        run(spec, workers=0)


def test_results_of_a_run_are_what_train_gives(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    """A study adds nothing to its runs: any of them repeats alone, from its record."""
    from sambench.config import parse
    from sambench.training import Run

    run(spec)
    found = next(r for r in recorded(tmp_path / "runs" / "tiny") if r.stage == "confirm")
    alone = Run(
        study=parse(spec),
        label=found.variant,
        key=found.key,
        stage="confirm",
        trial=found.trial,
        seeds=derive(found.seed),
        lr=found.lr,
        hyperparameters=json.loads(found.hyperparameters),
        epochs=found.epochs,
    )
    outcome = train(alone, tmp_path / "alone", lambda row: False)
    assert outcome.test_accuracy == found.test_accuracy
    assert outcome.val_loss == found.val_loss


def test_a_kill_between_result_and_checkpoint_leaves_nothing_behind(
    spec: Spec, run: Any, tmp_path: Path
):
    run(spec)
    folder = next((tmp_path / "runs" / "tiny" / "runs").glob("confirm-*"))
    for name in ("checkpoint.pt", ".checkpoint.pt.half"):
        (folder / name).write_bytes(b"")
    run(spec)
    assert [path.name for path in folder.iterdir()] == ["result.json"]
