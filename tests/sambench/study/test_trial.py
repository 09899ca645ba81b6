"""`sambench trial`: one run with given settings, as a study would have run it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sambench import config, seeds
from sambench.training import Run, train

Call = Callable[..., tuple[int, str, str]]


def outcome(call: Call, *words: str) -> dict[str, Any]:
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_it_trains_what_a_study_would(call: Call, study_file: Path, tmp_path: Path):
    found = outcome(call, "--variant", "sam", "--lr", "0.1", "--rho", "0.2", "--seed", "3")
    study = config.load(study_file)
    streams = seeds.derive(0, "trial", 3)
    run = Run(study, "sam", "sam", "trial", -1, 0, streams, 0.1, {"rho": 0.2}, 2, radius="rho")
    usual = train(run, tmp_path / "usual", lambda row: False)
    assert (found["variant"], found["point"], found["epochs"]) == ("sam", None, 2)
    assert found["streams"] == streams.streams
    assert found["hyperparameters"]["rho"] == 0.2
    assert found["val_loss"] == usual.scores["val_loss"]
    assert found["gradient_evaluations"] == usual.gradient_evaluations == 8
    assert not any(name.startswith("test_") for name in found)


def test_the_table_says_how_it_ended(call: Call):
    code, out, err = call("--variant", "looksam", "--lr", "0.1", "--fix", "k=2", "--set",
                          "train.epochs=1")  # fmt: skip
    assert code == 0, err
    assert "looksam on tiny, 1 epochs" in out
    assert "complete" in out and "accuracy" in out and "gradient evaluations" in out


def test_labels_of_the_study_bring_their_fixed_values(call: Call):
    label = "variant=[{name='plain'}, {name='asam', label='davda', fix={form='davda'}}]"
    found = outcome(call, "--variant", "davda", "--lr", "0.1", "--set", label)
    assert found["hyperparameters"]["form"] == "davda"


@pytest.mark.parametrize(
    ("variant", "length", "epochs"),
    [("plain-x0.5", None, 1), ("plain-x0.5", 2, 4), ("plain", 0.001, 1), ("asam", None, 2)],
)
def test_its_schedule_is_the_labels_or_a_length(
    call: Call, variant: str, length: float | None, epochs: int
):
    """As a sweep writes it: --length=2. A label's own holds, unless it is told."""
    arms = "variant=[{name='plain', length=[0.5, 1]}]"
    words = [] if length is None else [f"--length={length}"]
    found = outcome(call, "--variant", variant, "--lr", "0.1", "--set", arms, *words)
    assert found["epochs"] == found["epochs_done"] == epochs


def test_a_folder_keeps_one_trial_and_goes_on(call: Call, tmp_path: Path):
    words = ("--variant", "plain", "--lr", "0.1", "--out", str(tmp_path / "out"))
    first, second = outcome(call, *words), outcome(call, *words)
    assert first == second
    code, _, err = call(*words, "--seed", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "holds another trial; choose another --out" in err


@pytest.mark.parametrize("kept", [True, False])
def test_one_that_fails_is_an_outcome_with_its_traceback(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
):
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    out = ["--out", str(tmp_path / "out")] if kept else []
    words = ("--variant", "plain", "--lr", "0.1", "--json", *out)
    with monkeypatch.context() as patched:
        patched.setattr("sambench.executors.assignment.train", fails)
        code, told, err = call(*words)
    assert (code, json.loads(told)["reason"]) == (1, "ZeroDivisionError: a bug")
    where = tmp_path / "out" / "error.txt" if kept else "traceback above"
    assert err.endswith(f"sambench: the run failed, ZeroDivisionError: a bug ({where})\n")
    assert ("in fails" in err) != kept
    assert outcome(call, *words[:4], *out)["outcome"] == "complete"


@pytest.mark.parametrize("name", ["result.json", "checkpoint.pt", "trial.json"])
def test_what_a_folder_holds_already_stays(call: Call, tmp_path: Path, name: str):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text('{"mine": 1}')
    code, _, err = call("--variant", "sam", "--lr", "0.1", "--out", str(out))
    assert code == 2 and f"{out / name} is" in err and "choose another --out" in err
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [(name, '{"mine": 1}')]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--variant", "smm", "--lr", "0.1"), "--variant: unknown variant 'smm', did you mean"),
        (("--variant", "sam", "--lr", "1", "--out", ""), "'--out': must be a path, got an empty"),
        (("--variant", "sam", "--lr", "1", "--root", ""), "'--root': must be a path, got an empty"),
        (("--variant", "sam"), "--lr: a trial needs a learning rate, or the --point of a study's"),
        (("--variant", "sam", "--lr", "1", "--length", "0"), "--length must be > 0, got 0.0"),
        (("--variant", "sam", "--lr", "1", "--length", "1e9"), "--length must be <= 1000"),
        (("--variant", "sam", "--lr", "0"), "--lr must be > 0, got 0.0"),
        (("--variant", "sam", "--lr", "0.1", "--rho", "-1"), "rho must be >= 0"),
        (("--variant", "plain", "--lr", "0.1", "--rho", "1"), "--rho: plain has no radius"),
        (("--variant", "sam", "--lr", "0.1", "--fix", "k"), "--fix 'k': must look like"),
        (("--variant", "sam", "--lr", "0.1", "--roh", "0.2"), "'--roh'; did you mean --rho or"),
        (("--variant", "sam", "--lr", "0.1", "more"), "unexpected 'more'; hyperparameters look"),
        (("--variant", "sam", "--lr", "0.1", "--fix", "k=2"), "sam has no hyperparameter"),
        (
            ("--variant", "momentum_sam", "--lr", "0.1", "--set", "train.momentum=0"),
            "variants: momentum_sam needs a base optimizer with momentum",
        ),
    ],
)
def test_bad_input_is_one_line(call: Call, words: tuple[str, ...], line: str):
    code, _, err = call(*words)
    assert (code, err.count("\n")) == (2, 1), err
    assert line in err
