"""The printed program runs as printed, and repeats a run of the setting to use."""

import ast
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sambench import config, records
from sambench.errors import UserError
from sambench.records import Records
from sambench.render.program import settings, snippet
from sambench.study import results
from sambench.study.protocol import Protocol
from sambench.training import train

Spec = dict[str, Any]
Make = Callable[..., Records]
FOUR = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.95}

VARIATIONS = {
    "defaults": {},
    "adamw": {
        "base": "adamw",
        "betas": [0.8, 0.99],
        "warmup_epochs": 0.5,
        "label_smoothing": 0.1,
        "augment": "crop-flip-cutout",
    },
    "nesterov": {
        "nesterov": True, "schedule": "constant", "weight_decay": 0.0, "augment": "crop-flip"
    },
    "lion": {
        "base": "lion", "base_args": {"betas": [0.8, 0.9]}, "schedule": "wsd", "layer_decay": 0.9
    },
    "mixed": {"ema": 0.5, "mixup": 0.2, "cutmix": 1.0, "augment": "randaugment"},
    "randaugment": {"augment": "randaugment"},
    "resized": {"augment": "random-resized-crop", "head_lr": 3.0},
    "fp16": {
        "amp": "fp16", "channels_last": True, "micro_batch": 20, "clip": 1.0, "tf32": False
    },
    "best": {"yields": "best", "epochs": 5},
}  # fmt: skip


TASK = {"label_noise": 0.2, "split": {"train": 200, "val": 20, "test": 400}}
ARMS = [
    {"name": "asam", "fix": {"eta": 0.1}},
    {"name": "esam", "fix": {"beta": 0.6}, "label": "few"},
    {"name": "sam", "length": 0.5, "label": "short"},
]
"""Beside those of `SPEC`: other variants, a hyperparameter of theirs, another length."""


@pytest.fixture
def setting(tmp_path: Path, make: Make) -> Callable[..., Records]:
    """Of an arm of a study: its setting to use, trained, with all that its records say of it."""

    def build(spec: Spec, label: str = "sam") -> Records:
        study = config.parse(spec)
        arms = {arm.label: arm for arm in study.arms()}
        chosen = {name: {"lr": 0.05, "rho": 0.07}[name if name == "lr" else "rho"]
                  for name in arms[label].space}  # fmt: skip
        protocol = Protocol(study, arms, "cpu")
        (run,) = (
            [run for run in protocol.confirmations({}) if (run.label, run.rerun) == (label, 0)]
            if protocol.is_fixed
            else protocol.settings({label: chosen})
        )
        outcome = train(run, tmp_path, lambda row: False)
        fit = {"setting": chosen, "edges": list(chosen)[1:], "expected": 0.5, "noise": 0.1}
        header = {
            **make({"sam": 0.9}).header,
            "spec": study.model_dump(mode="json"),
            "arms": {label: arm.model_dump(mode="json") for label, arm in arms.items()},
            "fits": {} if protocol.is_fixed else {label: {**fit, "profile": []}},
        }
        path = tmp_path / "records.csv"
        records.write(path, header, [results.record(run, outcome)])
        return records.read(path)

    return build


@pytest.fixture
def made(make: Make, tmp_path: Path) -> Make:
    """As `make`, read from a file."""

    def build(*given: Any, **named: Any) -> Records:
        found = make(*given, **named)
        records.write(tmp_path / "made.csv", found.header, found.records)
        return records.read(tmp_path / "made.csv")

    return build


@pytest.fixture
def threads() -> Any:
    """As many as before, whatever a program sets."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def check(found: Records, capsys: pytest.CaptureFixture[str], label: str = "sam") -> None:
    """The program tells its epochs and the very accuracy of the run that it repeats."""
    (run,) = found.records
    program = snippet(found, label)
    compiled = compile(program, "program.py", "exec", dont_inherit=True)
    capsys.readouterr()
    torch.set_num_threads(run.threads + 1)
    exec(compiled, {"__name__": "elsewhere"})
    assert capsys.readouterr().out == ""
    exec(compiled, {"__name__": "__main__"})
    assert torch.get_num_threads() == run.threads
    *epochs, last = capsys.readouterr().out.splitlines()
    assert last == f"test accuracy: {run.test['accuracy']:.2%}"
    told = [line.partition(": training loss ") for line in epochs]
    assert [line for line, _, _ in told] == [
        f"epoch {i} of {run.epochs}" for i in range(1, run.epochs + 1)
    ]
    assert float(told[-1][2]) == pytest.approx(run.train_loss, abs=1e-4)
    assert max(len(line) for line in program.splitlines()) < 200


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", VARIATIONS)
def test_the_program_prints_the_recorded_accuracy(
    spec: Spec, setting: Any, capsys: pytest.CaptureFixture[str], name: str
):
    spec["train"] |= VARIATIONS[name]
    spec["task"] |= TASK
    check(setting(spec), capsys)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("own", [{"class_weights": "balanced"}, {"freeze": ["conv1", "layer1"]}])
def test_the_program_trains_what_the_task_asks(
    spec: Spec, setting: Any, capsys: pytest.CaptureFixture[str], own: Spec
):
    spec["task"] |= {**TASK, **own}
    check(setting(spec), capsys)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("yields", ["last", "best"])
@pytest.mark.parametrize("label", ["plain", "asam", "few", "short-x0.5"])
def test_the_program_of_any_arm(
    spec: Spec, setting: Any, capsys: pytest.CaptureFixture[str], label: str, yields: str
):
    """By a loop of its own, and by sambench's."""
    spec["train"] |= {"yields": yields, "warmup_epochs": 0.5, "epochs": 4}
    spec["task"] |= TASK
    spec["variant"] += ARMS
    check(setting(spec, label), capsys, label)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("base", ["sgd", "adamw", "lion"])
def test_the_program_of_settings_that_nobody_searched(
    spec: Spec, setting: Any, capsys: pytest.CaptureFixture[str], base: str
):
    spec["train"]["base"] = base
    spec["task"] |= TASK
    spec |= {"search": {"lr": 0.03}, "confirm": {"seeds": 5}, "variants": []}
    spec["variant"] += [{"name": "sam", "fix": {"rho": 0.07}}]
    check(setting(spec), capsys)


def test_weights_of_the_best_epoch_differ_from_the_last(spec: Spec, setting: Any):
    """What the program with yields = "best" could get wrong shows in its score.

    Of two images the first epoch with both right is the best one, whatever comes after.
    """
    spec["train"] |= VARIATIONS["best"] | {"epochs": 8}
    spec["task"] |= TASK | {"split": {**TASK["split"], "val": 2}}
    scores = {yields: setting(spec | {"train": {**spec["train"], "yields": yields}}).records[0]
              for yields in ("best", "last")}  # fmt: skip
    assert scores["best"].test != scores["last"].test


def test_the_head_tells_what_the_setting_was_confirmed_with(made: Make):
    found = made(FOUR)
    head = " ".join(line[2:] for line in snippet(found).splitlines() if line.startswith("#"))
    runs = [run for run in found.records if (run.variant, run.stage) == ("sam", "setting")]
    scores = [run.test["accuracy"] or 0.0 for run in runs]
    mean = 100 * sum(scores) / 5
    assert f"The setting to use of sam has {mean:.2f}% [" in head
    assert "] test accuracy, the mean of 5 runs." in head
    assert f"which measured {100 * scores[0]:.2f}% on Example CPU" in head
    assert "sam beats plain" in head and "Recommended: sam with lr 0.032, rho 0.071" in head
    assert "edge" not in head
    found.header["fits"]["sam"]["edges"] = ["lr", "rho"]
    assert "It lies at the edge of the range of lr and rho: a better one" in snippet(found)


def test_json_and_other_arms(made: Make):
    found = made(FOUR)
    told = json.loads(json.dumps(settings(found)))
    assert told["recommended"] and (told["variant"], told["label"]) == ("sam", "sam")
    assert (told["lr"], told["hyperparameters"], told["epochs"]) == (0.032, {"rho": 0.071}, 10)
    score = told["test_accuracy"]
    assert told["runs"] == 5 and score["low"] < score["mean"] < score["high"]

    other = settings(found, "plain-x0.5")
    assert not other["recommended"] and (other["variant"], other["epochs"]) == ("plain", 5)
    assert "The setting to use of plain-x0.5" in snippet(found, "plain-x0.5")
    with pytest.raises(UserError, match="--variant: 'samm' is no arm of study 'digits', did you"):
        settings(found, "samm")


def test_where_nothing_is_recommended_the_first_arm_is_told(made: Make):
    found = made(FOUR, searches=4)
    told = settings(found)
    assert not told["recommended"] and told["headline"].startswith("Nothing is concluded")
    assert "Recommended: nothing yet." in snippet(found)


def test_a_fixed_setting_is_confirmed_itself(make: Make, tmp_path: Path):
    """Its runs are the paired ones, and there is none of stage "setting"."""
    found = make(FOUR)
    arms = {label: {**arm, "space": {}, "lr": 0.032} for label, arm in found.header["arms"].items()}
    spec = {**found.header["spec"], "search": {"lr": 0.032}, "confirm": {"seeds": 5}}
    runs = [replace(run, stage="confirm", point=0) for run in found.records
            if run.stage == "setting"]  # fmt: skip
    path = tmp_path / "records.csv"
    records.write(path, {**found.header, "arms": arms, "spec": spec, "fits": {}}, runs)
    told, program = settings(records.read(path)), snippet(records.read(path))
    assert (told["label"], told["lr"], told["runs"]) == ("sam", 0.032, 5)
    first = next(run for run in runs if run.variant == "sam" and run.rerun == 0)
    assert repr(first.seed_order) in program and "the mean of 5 runs" in program


def test_a_study_whose_settings_did_not_end_has_no_best(made: Make):
    lost = {"outcome": "diverged", "test": {"accuracy": None, "loss": None}, "num_items": 0,
            "items": {"accuracy": ""}}  # fmt: skip
    found = made({"plain": 0.87, "sam": 0.9}, plain=lost, sam=lost)
    with pytest.raises(UserError, match="study 'digits' has no setting that ran to its end yet"):
        settings(found)
    with pytest.raises(UserError, match="sam of study 'digits' has no setting"):
        snippet(found, "sam")


def test_no_program_names_what_a_caller_brought(made: Make):
    found = made({"plain": 0.87, "sam": 0.9})
    found.header["own"] = {"model": "my_code.net", "loss": "my_code.focal\n"}
    whole = "its caller's own model (my_code.net) and loss (my_code.focal), which a program cannot"
    with pytest.raises(UserError) as told:
        snippet(found)
    assert whole in str(told.value) and "\n" not in str(told.value)
    assert settings(found)["lr"] == 0.032


EVIL = "x\nimport os; os.abort()  #\"'\\"


def test_what_records_say_is_never_code(made: Make):
    """Whoever can count writes records with checks that fit: texts stay texts."""
    found = made({"plain": 0.87, "sam": 0.9})
    found.header["spec"]["task"] |= {"model": EVIL, "dataset": EVIL, "model_args": {EVIL: EVIL}}
    plain = snippet(found)
    own = copy.deepcopy(found.header)
    own["spec"]["train"] |= {"base": "lion", "base_args": {EVIL: [EVIL]}}
    for program in (plain, snippet(Records(own, found.frame))):
        tree = ast.parse(program)
        names = {node.name for each in ast.walk(tree) if isinstance(each, ast.Import)
                 for node in each.names}  # fmt: skip
        assert names <= {"math", "torch", "variants"}
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert EVIL in texts


@pytest.mark.parametrize(
    "text",
    ['{"rho=exit(), x": 1}', '{"class": 1}', '{"rho": NaN}', '{"rho": 1e999}', '{"rho": {}}', "[]",
     "[" * 100_000, "", "{"],
)  # fmt: skip
def test_hyperparameters_are_names_and_plain_values(text: str):
    with pytest.raises(ValueError):
        records.hyperparameters(text)
    assert records.hyperparameters('{"rho": 0.1, "form": "a"}') == {"rho": 0.1, "form": "a"}
