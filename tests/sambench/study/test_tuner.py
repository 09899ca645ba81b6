"""Points, samplers and pruners: a killed search goes on as if nothing had happened."""

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
from sambench.seeds import position
from sambench.study import pool
from sambench.study.journal import open_journal
from sambench.study.tuner import Tuner
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
    """21 points of sam and looksam, 42 of plain."""
    spec["variants"] = ["plain", "sam", "asam", "looksam"]
    spec["variant"] = []
    spec["search"] |= {"budget": 2.0, "searches": 21}
    return config.parse(spec)


def changed(study: Study, *overrides: str) -> Study:
    return config.parse(study.model_dump(mode="json"), overrides=overrides)


def tuner(study: Study, label: str, storage: Any = None) -> Tuner:
    arm = next(arm for arm in study.arms() if arm.label == label)
    return Tuner(study, arm, storage or optuna.storages.InMemoryStorage())


def asked(tuner: Tuner, num: int) -> list[Parameters]:
    return [tuner.ask(number)[1] for number in range(num)]


def test_a_pool_s_points_are_functions_of_the_study(study: Study):
    """The same for every arm, whatever the order in which they are asked for."""
    sam, looksam = (next(a for a in study.arms() if a.label == x) for x in ("sam", "looksam"))
    found = asked(tuner(study, "sam"), 8)
    for point, parameters in enumerate(found):
        places = {n: position(study.seed, point, sam.axes[n]) for n in ("lr", "rho")}
        assert parameters == {n: sam.space[n].at(u) for n, u in places.items()}
        assert pool.parameters(study, sam, point) == parameters
    other = asked(tuner(study, "looksam"), 8)
    assert [p["lr"] for p in other] == [p["lr"] for p in found]
    assert [looksam.space["rho"].place(p["rho"]) for p in other] == pytest.approx(
        [sam.space["rho"].place(p["rho"]) for p in found], abs=1e-4
    )
    backwards = tuner(study, "sam")
    assert [backwards.ask(i)[1] for i in reversed(range(8))] == found[::-1]
    assert asked(tuner(changed(study, "seed=1"), "sam"), 8) != found


def test_points_are_enqueued_and_stored(study: Study):
    """So that Optuna's tools see what was tried, and a part of a pool as well."""
    tuned = tuner(study, "sam")
    for point in (5, 2):
        trial, parameters = tuned.ask(point)
        tuned.tell(trial, Outcome("complete", val_accuracy=point / 10))
    trials = tuned._optuna.get_trials()
    assert [t.user_attrs["point"] for t in trials] == [5, 2]
    assert trials[1].params == parameters == trials[1].system_attrs["fixed_params"]
    assert tuned._optuna.best_trial.user_attrs["point"] == 5


def test_choices_and_whole_numbers_are_stored_as_they_are(spec: dict[str, Any]):
    space = {"k": {"low": 2, "high": 5}, "rho": {"choices": [0.05, 0.1]}}
    table = {"name": "looksam", "label": "wide", "space": space}
    spec["search"]["budget"] = 8.0
    study = config.parse({**spec, "variants": ["plain"], "variant": [table]})
    tuned = tuner(study, "wide")
    found = asked(tuned, 20)
    assert {p["k"] for p in found} == {2, 3, 4, 5}
    assert {p["rho"] for p in found} == {0.05, 0.1}
    assert [t.params for t in tuned._optuna.get_trials()] == found


def score(parameters: Parameters) -> float:
    return 1 - 0.1 * (math.log(parameters["lr"]) + 3) ** 2 - 0.1 * math.log(parameters["rho"]) ** 2


def searched(study: Study, journal: Path, num: int, kills: dict[int, str]) -> list[Parameters]:
    """Parameters of all trials of a search that is killed in the given trials, at given places."""
    tuned = tuner(study, "sam", open_journal(journal))
    number, found = 0, []
    while number < num:
        kill = kills.pop(number, "")
        if kill == "enqueued":
            own = pool.parameters(study, tuned.arm, number)
            tuned._optuna.enqueue_trial(own, user_attrs={"point": number})
        elif kill == "between parameters":
            start(tuned, number)
        else:
            trial, parameters = tuned.ask(number)
            if kill == "after tell":
                tuned.tell(trial, Outcome("complete", val_accuracy=score(parameters)))
        if kill:
            if kill == "torn line":
                with journal.open("ab") as file:
                    file.write(b'{"op_code": 5, "worker_id"')
            tuned = tuner(study, "sam", open_journal(journal))
            number, found = 0, []  # a new process goes through all trials again
            continue
        found.append(parameters)
        tuned.tell(trial, Outcome("complete", val_accuracy=score(parameters)))
        number += 1
    trials = tuned._optuna.get_trials()
    assert [t.user_attrs["point"] for t in trials] == list(range(num))
    assert {t.state for t in trials} == {TrialState.COMPLETE}
    return found


def start(tuned: Tuner, number: int) -> None:
    """A trial that knows its lr and not yet its radius."""
    if tuned.study.search.sampler == "random":
        own = pool.parameters(tuned.study, tuned.arm, number)
        tuned._optuna.enqueue_trial(own, user_attrs={"point": number})
    trial = tuned._optuna.ask()
    trial.set_user_attr("point", number)
    trial.suggest_float("lr", 0.01, 0.5, log=True)


KILLS = {2: "running", 4: "between parameters", 6: "after tell", 7: "torn line"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp"])
def test_a_killed_search_asks_what_an_uninterrupted_one_asks(
    study: Study, sampler: str, tmp_path: Path
):
    num = 8 if sampler == "gp" else 21
    study = changed(study, f"search.sampler={sampler}")
    kills = {**KILLS, num - 2: "running", num - 1: "between parameters"}
    if sampler == "random":
        kills |= {3: "enqueued", 5: "enqueued"}
    whole = searched(study, tmp_path / "whole", num, {})
    assert searched(study, tmp_path / "killed", num, kills) == whole
    assert len({p["lr"] for p in whole}) == num


def test_adaptive_samplers_learn(study: Study, tmp_path: Path):
    study = changed(study, "search.sampler=tpe", "search.searches=40")
    found = [score(p) for p in searched(study, tmp_path / "journal", 40, {})]
    assert sum(found[30:]) / 10 > sum(found[:10]) / 10


def test_a_running_trial_is_reopened_not_redone(study: Study, tmp_path: Path):
    first = tuner(study, "sam", open_journal(tmp_path / "journal"))
    trial, parameters = first.ask(0)
    again = tuner(study, "sam", open_journal(tmp_path / "journal"))
    reopened, same = again.ask(0)
    assert (reopened.number, reopened._trial_id, same) == (0, trial._trial_id, parameters)
    again.tell(reopened, Outcome("complete", val_accuracy=0.5))
    again.tell(reopened, Outcome("complete", val_accuracy=0.9))  # told twice, counted once
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
    trial, _ = tuned.ask(0)
    tuned.tell(trial, outcome)
    ended = tuned._optuna.get_trials()[0]
    assert (ended.state, ended.value) == (state, value)


def good_trials(tuned: Tuner, num: int, epochs: int) -> None:
    for number in range(num):
        trial, _ = tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(trial, {"epoch": epoch, "val_accuracy": 0.9}, epochs):
                tuned.tell(trial, Outcome("pruned", val_accuracy=0.9))
                break
        else:
            tuned.tell(trial, Outcome("complete", val_accuracy=0.9))


@pytest.mark.parametrize("epochs", [3, 10, 200])
@pytest.mark.parametrize("pruner", ["median", "percentile", "hyperband"])
def test_a_bad_trial_is_pruned_but_not_before_30_percent(study: Study, pruner: str, epochs: int):
    tuned = tuner(changed(study, "search.sampler=tpe", f"search.pruner={pruner}"), "sam")
    good_trials(tuned, 12, epochs)
    pruned = []
    for number in range(12, 16):  # several, since hyperband lets some brackets run
        trial, _ = tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(trial, {"epoch": epoch, "val_accuracy": 0.1}, epochs):
                pruned.append(epoch / epochs)
                break
        tuned.tell(trial, Outcome("pruned"))
    assert pruned and min(pruned) >= 0.3


def test_without_a_pruner_nothing_is_pruned(study: Study):
    tuned = tuner(study, "sam")
    good_trials(tuned, 12, 10)
    trial, _ = tuned.ask(12)
    rows = [{"epoch": epoch, "val_accuracy": 0.0} for epoch in range(1, 11)]
    assert not any(tuned.report(trial, row, 10) for row in rows)


def test_epochs_that_are_trained_again_decide_as_they_did(study: Study, tmp_path: Path):
    """Killed when it was about to be pruned, and resumed from a checkpoint some epochs before."""
    study = changed(study, "search.sampler=gp", "search.pruner=median")
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
