"""Arithmetic modulo a prime: its pairs, its models, and how early a run generalises."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from sambench import config, records
from sambench.errors import UserError
from sambench.render.program import settings, snippet
from sambench.seeds import derive
from sambench.study import trial
from sambench.study.run import run_study
from sambench.tasks.algorithmic import OPERATIONS, Algorithmic
from sambench.training import train

STREAMS = derive(0, "pool", 0).streams
EASY: dict[str, Any] = {
    "kind": "algorithmic",
    "dataset": "a + b",
    "modulus": 5,
    "train_share": 0.6,
    "model": "mlp",
    "model_args": {"width": 32},
    "objective": "schedule_left",
}
SPEC: dict[str, Any] = {
    "name": "early",
    "variants": ["plain"],
    "variant": [{"name": "sam", "fix": {"rho": 0.05}}],
    "task": EASY,
    "train": {"epochs": 8, "batch_size": 5, "base": "adamw"},
    "search": {"lr": 0.003},
    "confirm": {"seeds": 2},
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_pairs_are_there_once_with_their_values(operation: str):
    task = Algorithmic(dataset=operation, modulus=7)
    data = task.load(STREAMS)
    parts = (data.train, data.val, data.test)
    x, y = (torch.cat([getattr(part, name) for part in parts]) for name in "xy")
    assert len({tuple(pair) for pair in x.tolist()}) == len(y) == (42 if "/" in operation else 49)
    a, b = x.T
    if operation == "a / b":
        assert torch.equal(y * b % 7, a)
    else:
        python = operation.replace("ab", "a * b").replace("^", "**")
        assert torch.equal(y, eval(python, {"a": a, "b": b}) % 7)


def test_a_share_of_the_pairs_trains_and_the_test_set_never_moves():
    task = Algorithmic(dataset="a * b", modulus=11, train_share=0.4)
    one, other = (task.load(derive(0, "pool", seed).streams) for seed in (0, 1))
    assert [len(part.y) for part in (one.train, one.val, one.test)] == [48, 37, 36]
    assert torch.equal(one.test.x, other.test.x) and not torch.equal(one.val.x, other.val.x)
    given = Algorithmic(dataset="a * b", modulus=11, split=config.Split(train=100, val=20))
    sizes = [len(getattr(given.load(STREAMS), name).y) for name in ("train", "val", "test")]
    assert sizes == [100, 20, 1]


@pytest.mark.parametrize(
    ("model", "args"), [("mlp", {"depth": 2}), ("transformer", {"depth": 2, "heads": 2})]
)
def test_a_model_answers_with_a_number(model: str, args: dict[str, Any]):
    task = Algorithmic(dataset="a - b", modulus=7, model=model, model_args={"width": 8, **args})
    data = task.load(STREAMS)
    built = task.build(data)
    assert built(data.train.x[:3]).shape == (3, 7)
    first, second, *_ = (p for p in built.parameters() if p.ndim == 2 and p.shape[1] >= 8)
    assert first.shape != second.shape or not torch.equal(first, second)


@pytest.mark.parametrize(
    ("curve", "epochs", "left"),
    [
        ([0.2, 0.99, 0.5, 1.0], 4, 0.5),  # the first time counts, whatever comes after
        ([0.2, 0.3, 0.5, 0.6], 4, 0.0),  # never
        ([0.2, 0.995], 4, 0.5),  # half a schedule, got there: as early as on a whole one
        ([0.2, 0.3], 4, 0.0),  # half a schedule, never
        ([0.1] * 5 + [1.0], 4, 0.0),  # twice the schedule, and too late
        ([1.0], 4, 0.75),
        ([float("nan"), 1.0], 4, 0.5),
    ],
)
def test_how_much_of_the_schedule_is_left(curve: list[float], epochs: int, left: float):
    task = Algorithmic.model_validate(EASY)
    rows = [{"epoch": i, "val_accuracy": value} for i, value in enumerate(curve, 1)]
    assert task.of_run(rows, "val", epochs) == {"schedule_left": left}


def test_a_run_is_scored_by_its_own_curve_and_resumes_to_the_same(tmp_path: Path):
    study = config.parse(SPEC)
    run = trial.plan(study, "plain", lr=0.01, on="cpu", stage="confirm")
    whole = train(run, tmp_path / "whole", lambda row: False)
    for subset in ("val", "test"):
        curve = [row[f"{subset}_accuracy"] for row in whole.history]
        reached = [i for i, value in enumerate(curve, 1) if value >= 0.99]
        expected = 1 - reached[0] / 8 if reached else 0.0
        assert whole.scores[f"{subset}_schedule_left"] == expected
        assert whole.scores[f"{subset}_accuracy"] == curve[-1]
    assert len(whole.items["accuracy"]) == 5 and whole.curve[-1] == whole.val
    seen: list[float] = []

    def interrupted(row: dict[str, float]) -> bool:
        seen.append(row["epoch"])
        if len(seen) == 4:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path / "again", interrupted, checkpoint_every_s=0)
    again = train(run, tmp_path / "again", interrupted, checkpoint_every_s=0)
    assert again.scores == whole.scores


def test_only_runs_that_may_see_the_test_set_look_at_it(tmp_path: Path):
    run = trial.plan(config.parse(SPEC), "plain", lr=0.01, on="cpu")
    outcome = train(run, tmp_path, lambda row: False)
    assert not [name for row in outcome.history for name in row if name.startswith("test")]
    assert "val_schedule_left" in outcome.scores


def test_its_page_says_what_the_score_is(tmp_path: Path):
    run_study(SPEC, root=tmp_path, workers=1, wandb="disabled")
    found = records.read(tmp_path / "early" / "records.csv")
    assert not found.damages and found.header["chance"] == 0
    assert [score["name"] for score in found.header["scores"]] == [
        "accuracy",
        "loss",
        "schedule_left",
    ]
    tested = [run for run in found.records if run.stage == "confirm"]
    assert all(0 <= run.test["schedule_left"] < 1 for run in tested)
    page = (tmp_path / "early" / "leaderboard.md").read_text()
    assert (
        "test schedule left, %" in page
        and "mlp on a + b modulo 5, where 60% of all pairs train (the" in page
    )
    assert "the share of 8 epochs that is left when its accuracy on these pairs first" in page
    assert "image" not in page
    with pytest.raises(UserError, match="goes by schedule left, which a program that is scored"):
        snippet(found)
    told = settings(found)
    assert 0 <= told["test_schedule_left"]["mean"] < 1 and "test_accuracy" not in told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"dataset": "a+b"}, "task.dataset: no operation 'a+b', did you mean a + b?"),
        ({"model": "transfomer"}, "task.model: no model 'transfomer' of pairs, did you mean trans"),
        ({"model_args": {"dept": 1}}, "task.model_args.dept: unknown key, did you mean depth?"),
        (
            {"model": "transformer", "model_args": {"heads": 3}},
            "task.model_args.heads: 3 heads do not share a width of 128",
        ),
        ({"split": {"train": 24, "val": 5}}, "task.split: train 24 + val 5 + test 1 is more than"),
    ],
)
def test_bad_input_is_one_line(keys: dict[str, Any], told: str, tmp_path: Path):
    with pytest.raises(UserError, match=re.escape(told)) as caught:
        asked = {**SPEC, "task": {**EASY, **keys}}
        run_study(asked, root=tmp_path, workers=1, wandb="disabled")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"modulus": 91}, "task.modulus: must be a prime, got 91"),
        ({"train_share": 1.0}, "task.train_share: must be < 1"),
        ({"threshold": 0}, "task.threshold: must be > 0"),
        ({"objective": "schedule_lef"}, "unknown value 'schedule_lef', did you mean schedule_left"),
    ],
)
def test_bad_keys_are_told_at_once(keys: dict[str, Any], told: str):
    with pytest.raises(UserError, match=re.escape(told)):
        config.parse({**SPEC, "task": {**EASY, **keys}})
