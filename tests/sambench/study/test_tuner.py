"""Samplers and pruners: shared points, and a killed search that goes on as if nothing happened."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from sambench import config
from sambench.config import Study
from sambench.study.journal import open_journal
from sambench.study.tuner import HaltonSampler, Tuner
from sambench.training import Outcome

Parameters = dict[str, Any]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


@pytest.fixture
def study(spec: dict[str, Any]) -> Study:
    spec["variants"] = ["plain", "sam", "asam", "esam", "looksam"]
    spec["search"]["trials"] = 21
    return config.parse(spec)


def changed(study: Study, *overrides: str) -> Study:
    return config.parse(study.model_dump(mode="json"), overrides=overrides)


def tuner(study: Study, label: str, storage: Any = None) -> Tuner:
    arm = next(arm for arm in study.arms() if arm.label == label)
    return Tuner(study, arm, storage or optuna.storages.InMemoryStorage())


def asked(tuner: Tuner, num: int) -> list[Parameters]:
    return [tuner.ask(number)[1] for number in range(num)]


def place(value: float, space: Any) -> float:
    """Where in its range a value lies, 0 to 1."""
    low, high = math.log(space.low), math.log(space.high)
    return (math.log(value) - low) / (high - low)


def test_halton_points_are_shared_by_all_variants(study: Study):
    points = {}
    for arm in study.arms():
        radius = list(arm.space)[1]
        found = asked(tuner(study, arm.label), 8)
        lr = [place(p["lr"], arm.space["lr"]) for p in found]
        if arm.key == "plain":
            column = [arm.space["epochs_factor"].choices.index(p["epochs_factor"]) for p in found]
        else:
            column = [place(p[radius], arm.space[radius]) for p in found]
        points[arm.label] = (lr, column)
    lr, radii = points["sam"]
    for label in ("asam", "esam", "looksam"):
        assert points[label][0] == pytest.approx(lr, abs=1e-12)
        assert points[label][1] == pytest.approx(radii, abs=1e-12)
    assert points["plain"][0] == lr
    assert points["plain"][1] == [int(3 * u) for u in radii]
    assert lr != radii


def test_a_halton_point_is_a_function_of_seed_and_trial_number(study: Study):
    whole = asked(tuner(study, "sam"), 8)
    sampler = HaltonSampler(("lr", "rho"), study.seed)
    distribution = optuna.distributions.FloatDistribution(0.01, 0.5, log=True)
    empty = optuna.create_study()
    for number in (5, 0, 7):
        trial = optuna.create_trial(state=TrialState.RUNNING)
        trial.number = number
        value = sampler.sample_independent(empty, trial, "lr", distribution)
        assert value == whole[number]["lr"]
    assert asked(tuner(changed(study, "seed=1"), "sam"), 8) != whole


def test_halton_fills_the_range_better_than_chance(study: Study):
    arm = next(arm for arm in study.arms() if arm.label == "sam")
    for name, base in (("lr", 2), ("rho", 3)):
        places = [place(p[name], arm.space[name]) for p in asked(tuner(study, "sam"), base**2)]
        assert sorted(int(base**2 * u) for u in places) == list(range(base**2))


def test_ints_and_choices_come_from_their_domain(spec: dict[str, Any]):
    table = {"name": "looksam", "label": "wide", "space": {"k": {"low": 2, "high": 5}}}
    study = config.parse({**spec, "variants": ["plain"], "variant": [table]})
    found = asked(tuner(study, "wide"), 12)
    assert {p["k"] for p in found} == {2, 3, 4, 5}
    assert {p["epochs_factor"] for p in asked(tuner(study, "plain"), 12)} == {0.5, 1.0, 2.0}


def score(parameters: Parameters) -> float:
    return 1 - 0.1 * (math.log(parameters["lr"]) + 3) ** 2 - 0.1 * math.log(parameters["rho"]) ** 2


def searched(study: Study, journal: Path, kills: dict[int, str]) -> list[Parameters]:
    """Parameters of all trials of a search that is killed in the given trials, at given places."""
    tuned = tuner(study, "sam", open_journal(journal))
    number, found = 0, []
    while number < study.search.trials:
        kill = kills.pop(number, "")
        if kill == "between parameters":
            trial = tuned._optuna.ask()
            trial.suggest_float("lr", 0.01, 0.5, log=True)
        else:
            trial, parameters = tuned.ask(number)
            if kill == "after tell":
                tuned.tell(number, Outcome("complete", val_accuracy=score(parameters)))
        if kill:
            if kill == "torn line":
                with journal.open("ab") as file:
                    file.write(b'{"op_code": 5, "worker_id"')
            tuned = tuner(study, "sam", open_journal(journal))
            number, found = 0, []  # a new process goes through all trials again
            continue
        found.append(parameters)
        tuned.tell(number, Outcome("complete", val_accuracy=score(parameters)))
        number += 1
    return found


KILLS = {2: "running", 4: "between parameters", 6: "after tell", 7: "torn line"}


@pytest.mark.parametrize("sampler", ["halton", "random", "tpe", "gp"])
def test_a_killed_search_asks_what_an_uninterrupted_one_asks(
    study: Study, sampler: str, tmp_path: Path
):
    trials = 7 if sampler == "gp" else 21
    study = changed(study, f"search.sampler={sampler}", f"search.trials={trials}")
    late = {trials - 2: "running", trials - 1: "between parameters"}
    whole = searched(study, tmp_path / "whole", {})
    assert searched(study, tmp_path / "killed", {**KILLS, **late}) == whole
    assert len({p["lr"] for p in whole}) == trials


def test_adaptive_samplers_learn(study: Study, tmp_path: Path):
    study = changed(study, "search.sampler=tpe", "search.trials=40")
    found = [score(p) for p in searched(study, tmp_path / "journal", {})]
    assert sum(found[30:]) / 10 > sum(found[:10]) / 10


def test_a_running_trial_is_reopened_not_redone(study: Study, tmp_path: Path):
    first = tuner(study, "sam", open_journal(tmp_path / "journal"))
    trial, parameters = first.ask(0)
    again = tuner(study, "sam", open_journal(tmp_path / "journal"))
    reopened, same = again.ask(0)
    assert (reopened.number, reopened._trial_id, same) == (0, trial._trial_id, parameters)
    again.tell(0, Outcome("complete", val_accuracy=0.5))
    again.tell(0, Outcome("complete", val_accuracy=0.9))  # told twice, counted once
    trials = again._optuna.get_trials()
    assert [(t.state, t.value) for t in trials] == [(TrialState.COMPLETE, 0.5)]


@pytest.mark.parametrize(
    ("outcome", "state", "value"),
    [
        (Outcome("complete", val_accuracy=0.5), TrialState.COMPLETE, 0.5),
        (Outcome("diverged", "non-finite loss in epoch 1"), TrialState.COMPLETE, 0.0),
        (Outcome("pruned", val_accuracy=0.5), TrialState.PRUNED, None),
        (Outcome("failed", "out of memory"), TrialState.FAIL, None),
    ],
)
def test_every_outcome_ends_its_trial(study: Study, outcome: Outcome, state: Any, value: Any):
    tuned = tuner(study, "sam")
    tuned.ask(0)
    tuned.tell(0, outcome)
    ended = tuned._optuna.get_trials()[0]
    assert (ended.state, ended.value) == (state, value)


def good_trials(tuned: Tuner, num: int, epochs: int) -> None:
    for number in range(num):
        trial, _ = tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(trial, {"epoch": epoch, "val_accuracy": 0.9}, epochs):
                tuned.tell(number, Outcome("pruned", val_accuracy=0.9))
                break
        else:
            tuned.tell(number, Outcome("complete", val_accuracy=0.9))


@pytest.mark.parametrize("epochs", [3, 10, 200])
@pytest.mark.parametrize("pruner", ["median", "percentile", "hyperband"])
def test_a_bad_trial_is_pruned_but_not_before_30_percent(study: Study, pruner: str, epochs: int):
    tuned = tuner(changed(study, f"search.pruner={pruner}"), "sam")
    good_trials(tuned, 12, epochs)
    pruned = []
    for number in range(12, 16):  # several, since hyperband lets some brackets run
        trial, _ = tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(trial, {"epoch": epoch, "val_accuracy": 0.1}, epochs):
                pruned.append(epoch / epochs)
                break
        tuned.tell(number, Outcome("pruned"))
    assert pruned and min(pruned) >= 0.3


def test_without_a_pruner_nothing_is_pruned(study: Study):
    tuned = tuner(study, "sam")
    good_trials(tuned, 12, 10)
    trial, _ = tuned.ask(12)
    rows = [{"epoch": epoch, "val_accuracy": 0.0} for epoch in range(1, 11)]
    assert not any(tuned.report(trial, row, 10) for row in rows)


def test_epochs_that_are_trained_again_decide_as_they_did(study: Study, tmp_path: Path):
    """Killed when it was about to be pruned, and resumed from a checkpoint some epochs before."""
    study = changed(study, "search.pruner=median")
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    good_trials(tuned, 8, 10)
    trial, _ = tuned.ask(8)
    accuracies = [0.5, 0.5, 0.1, 0.1, 0.1]
    rows = [{"epoch": i + 1, "val_accuracy": a} for i, a in enumerate(accuracies)]
    decisions = [tuned.report(trial, row, 10) for row in rows[:2]]
    assert decisions == [False, False]
    assert tuned.report(trial, rows[2], 10)
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    trial, _ = tuned.ask(8)
    assert [tuned.report(trial, row, 10) for row in rows[:3]] == [*decisions, True]
