"""What W&B is told about a run, and where runs go."""

import json
from dataclasses import replace
from typing import Any

import pytest

import variants
from sambench import config, records, tracking
from sambench.config import Task, Train
from sambench.errors import UserError
from sambench.seeds import STREAMS
from sambench.training import Outcome, Run

Spec = dict[str, Any]


def test_the_configuration_is_flat_and_complete(run_: Run):
    told = tracking.describe(run_)["config"]
    assert not any(isinstance(value, dict | list | tuple) for value in told.values())
    expected = {
        "study": "tiny", "variant": "sam", "key": "sam", "stage": "confirm", "point": 3,
        "rerun": 1, "lr": 0.1, "rho": 0.05, "epochs": 3, "batch_size": 32, "base": "sgd",
        "model": "test_resnet", "dataset": "synthetic", "label_noise": 0.0, "device": "cpu",
        "length": 1.5, "split_train": 64, "betas_1": 0.999, "amp": "none", "clip": None,
    }  # fmt: skip
    assert told.items() >= expected.items()
    assert {f"seed_{name}" for name in STREAMS} < set(told)
    tables = {"split", "betas", "model_args", "base_args", "schedule_args"}
    assert {*Task.model_fields, *Train.model_fields} - tables - {"ascent"} < set(told)
    assert told["train_ascent"] == "local"  # `ascent` is stable_sam's


def test_tables_of_a_study_are_flattened(run_: Run, spec: Spec):
    spec["task"]["model_args"] = {"drop_rate": 0.1}
    spec["train"] |= {"schedule": "multistep", "schedule_args": {"decay_milestones": [1, 2]}}
    told = tracking.describe(replace(run_, study=config.parse(spec)))["config"]
    assert told["model_args_drop_rate"] == 0.1
    assert (told["schedule_args_decay_milestones_0"], told["schedule"]) == (1, "multistep")


def test_no_hyperparameter_hides_a_key_of_a_study(run_: Run):
    taken = set(tracking.describe(run_)["config"]) - {"rho"}
    for name in variants.names():
        assert not set(variants.info(name).hyperparameters) & taken, name


def test_a_radius_of_another_name_is_rho_too(run_: Run):
    told = tracking.describe(replace(run_, hyperparameters={"gamma": 0.2}, radius="gamma"))
    assert (told["config"]["rho"], told["config"]["gamma"]) == (0.2, 0.2)


def test_names_of_a_run(run_: Run):
    told = tracking.describe(run_)
    assert told["name"] == f"tiny/{run_.id}"
    assert (told["group"], told["job_type"]) == ("tiny/sam", "confirm")
    assert told["tags"] == ["sam", "test_resnet", "synthetic"]


@pytest.mark.parametrize("stage", ["pool", "confirm", "setting", "sweep"])
def test_the_job_of_a_run_is_its_stage(stage: str, run_: Run):
    assert tracking.describe(replace(run_, stage=stage))["job_type"] == stage


def test_ids_follow_what_is_trained(run_: Run, spec: Spec):
    others = [
        replace(run_, point=4),
        replace(run_, lr=0.2),
        replace(run_, study=config.parse({**spec, "name": "other"})),
        replace(run_, study=config.parse({**spec, "seed": 7})),
    ]
    assert len({tracking.run_id(run) for run in [run_, *others]}) == 5
    same = replace(run_, study=config.parse({**spec, "question": "in other words?"}))
    assert tracking.run_id(same) == tracking.run_id(run_)


def test_no_test_score_is_told():
    scores = {"test_accuracy": 0.25, "test_loss": 1.5, "val_accuracy": 0.5}
    rows = ({"epoch": 1, **scores},)  # as of a task that scores runs by their course
    scored = Outcome("complete", scores=scores, items={"accuracy": (True, False)}, history=rows)
    text = json.dumps(tracking.ending(scored))
    assert "test" not in text and "0.25" not in text


@pytest.mark.parametrize(
    ("outcome", "tag", "exit_code"),
    [
        ("complete", "", 0),
        ("pruned", "pruned", 0),
        ("diverged", "diverged", 0),
        ("failed", "failed", 1),
    ],
)
def test_how_runs_end(outcome: str, tag: str, exit_code: int):
    told = tracking.ending(Outcome(outcome, "why" if tag else ""))
    assert (told["tag"], told["exit_code"]) == (tag, exit_code)
    assert (told["summary"]["state"], told["notes"]) == (outcome, "why" if tag else "")


def test_the_mode_is_what_is_asked_else_the_environment_else_offline(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("WANDB_MODE", "online")
    assert tracking.mode("disabled") == "disabled"
    assert tracking.mode(None) == "online"
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    assert tracking.mode(None) == "offline"
    monkeypatch.setenv("WANDB_MODE", "onlin")
    with pytest.raises(UserError, match=r"WANDB_MODE: unknown mode 'onlin'.*online"):
        tracking.mode(None)
    monkeypatch.delenv("WANDB_MODE")
    assert tracking.mode(None) == "offline"


def test_which_runs_are_asked_for_by_name():
    """Every stage of a study's own runs is in "all"; `confirm` is what the test set scores."""
    assert tracking.stages("all") == {*records.STAGES} - {"sweep"}
    assert tracking.stages("confirm") == {*records.TESTED}
    assert tracking.stages("none") == set()
    with pytest.raises(UserError, match=r"--wandb-runs: unknown choice 'confrm', did you mean con"):
        tracking.stages("confrm")
