"""Points, samplers and pruners: a killed search goes on as if nothing had happened."""

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy.event
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from sambench import config, seeds
from sambench.config import Study
from sambench.seeds import position
from sambench.study import pool, storage
from sambench.study.journal import open_journal
from sambench.study.tuner import Tuner, study_name
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
    return [tuner.ask(number) for number in range(num)]


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
    assert [backwards.ask(i) for i in reversed(range(8))] == found[::-1]
    assert asked(tuner(changed(study, "seed=1"), "sam"), 8) != found


def test_a_trial_is_complete(study: Study):
    """So that Optuna's tools see what was tried, in a part of a pool as well."""
    tuned = tuner(study, "sam")
    for point in (5, 2):
        parameters = tuned.ask(point)
        for row in history(0.2, 0.1 * point):
            tuned.report(point, row, 2)
        outcome = Outcome(
            "complete", scores={"val_accuracy": point / 10}, epochs_done=2, reason="because"
        )
        tuned.tell(point, replace(outcome, gradient_evaluations=12.0), "https://there")
    first, second = tuned._optuna.get_trials()
    assert second.params == parameters == pool.parameters(study, tuned.arm, 2)
    assert second.value == 0.2
    assert first.intermediate_values == {50: 0.2, 100: 0.5}
    assert first.user_attrs == {
        "point": 5,
        "variant": "sam",
        "label": "sam",
        "streams": seeds.derive(study.seed, "point", 5).streams,
        "outcome": "complete",
        "reason": "because",
        "epochs_done": 2,
        "gradient_evaluations": 12.0,
        "wandb": "https://there",
    }
    assert tuned._optuna.best_trial.user_attrs["point"] == 5


def history(*accuracies: float) -> tuple[dict[str, float], ...]:
    return tuple({"epoch": i, "val_accuracy": x} for i, x in enumerate(accuracies, 1))


@pytest.mark.parametrize("left", ["nothing", "running", "reported"])
def test_a_run_that_ended_elsewhere_makes_the_same_trial(study: Study, left: str):
    """In a storage that is new, or that was left in the middle of it."""
    rows = history(0.2, 0.5)
    outcome = Outcome("complete", scores={"val_accuracy": 0.5}, epochs_done=2, history=rows)
    told = tuner(study, "sam")
    parameters = told.ask(3)
    for row in rows:
        told.report(3, row, told.arm.epochs)
    told.tell(3, outcome)
    storage = optuna.storages.InMemoryStorage()
    if left != "nothing":
        before = tuner(study, "sam", storage)
        before.ask(3)
        if left == "reported":
            before.report(3, rows[0], told.arm.epochs)
    added = tuner(study, "sam", storage)
    for _ in range(2):
        added.add(3, parameters, outcome, "")
    (one,), (other,) = told._optuna.get_trials(), added._optuna.get_trials()
    assert other.intermediate_values == one.intermediate_values
    assert (other.state, other.value) == (one.state, one.value)
    assert (other.params, other.user_attrs) == (one.params, one.user_attrs)


def test_a_run_that_failed_is_repeated_in_a_trial_of_its_own(study: Study):
    storage = optuna.storages.InMemoryStorage()
    for outcome in (
        Outcome("failed", "out of memory"),
        Outcome("complete", scores={"val_accuracy": 0.5}),
    ):
        tuned = tuner(study, "sam", storage)
        tuned.ask(0)
        tuned.tell(0, outcome)
    states = [trial.state for trial in tuned._optuna.get_trials()]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]


def test_a_run_whose_trial_has_ended_leaves_it_as_it_is(study: Study):
    """Its result was lost, or is in another folder; adaptive samplers answer what they did."""
    study = changed(study, "search.sampler=tpe")
    storage = optuna.storages.InMemoryStorage()
    first = tuner(study, "sam", storage)
    parameters = first.ask(0)
    first.tell(0, Outcome("complete", scores={"val_accuracy": 0.5}))
    again = tuner(study, "sam", storage)
    assert again.ask(0) == parameters
    assert not again.report(0, {"epoch": 1, "val_accuracy": 0.1}, 2)
    again.tell(0, Outcome("complete", scores={"val_accuracy": 0.7}))
    assert [trial.value for trial in again._optuna.get_trials()] == [0.5]


@contextmanager
def stored_in(kind: str, folder: Path) -> Iterator[BaseStorage]:
    if kind == "journal":
        yield open_journal(folder / "journal.log")
        return
    with storage.opened(f"sqlite:///{folder / 'trials.db'}", "tiny", "1", print) as database:
        yield database


def spied(found: BaseStorage, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What is asked of a storage from now on: calls by name, rows or lines that it reads."""
    asked: Counter[str] = Counter()

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            asked[name] += 1
            return call(*args, **kwargs)

        return counting

    backend = found._backend  # pyright: ignore[reportAttributeAccessIssue]
    for own in (found, backend):
        for name in ("get_all_trials", "get_n_trials", "create_new_trial", "get_trial"):
            if hasattr(own, name):
                monkeypatch.setattr(own, name, counted(name, getattr(own, name)))
    if isinstance(found, optuna.storages.JournalStorage):
        read = backend.read_logs

        def lines(start: int) -> list[dict[str, Any]]:
            got = list(read(start))
            asked["lines"] += len(got)
            return got

        monkeypatch.setattr(backend, "read_logs", lines)
    else:

        def row(cursor: object, cells: tuple[object, ...]) -> tuple[object, ...]:
            asked["rows"] += 1
            return cells

        @sqlalchemy.event.listens_for(backend.engine, "checkout")
        def checkout(connection: Any, *_: object) -> None:
            connection.row_factory = row

    return asked


def run(tuned: Tuner, point: int) -> None:
    """From its asking to its end."""
    assert tuned.knows(point) == tuned.ask(point)
    tuned.report(point, {"epoch": 1, "val_accuracy": 0.1}, 2)
    tuned.tell(point, Outcome("complete", scores={"val_accuracy": 0.5}))


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_the_next_trial_is_asked_for_without_listing_all(
    study: Study, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a storage is asked for does not grow with what it holds; nor after a restart."""
    study = changed(study, "search.searches=200")
    costs = []
    for num in (20, 80):
        with stored_in(kind, tmp_path) as found:
            before = tuner(study, "sam", found)
            for point in range(num - 3):
                run(before, point)
        with stored_in(kind, tmp_path) as found:
            tuned = tuner(study, "sam", found)
            asked = spied(found, monkeypatch)
            for point in range(num - 3, num):
                run(tuned, point)
            costs.append(dict(asked))
    few, many = costs
    assert not {"get_all_trials", "get_n_trials"} & {*few, *many}
    assert few["create_new_trial"] and few["lines" if kind == "journal" else "rows"]
    assert many == few


def test_studies_of_one_storage_do_not_meet(study: Study):
    """Forks and other seeds have names of their own, which begin with what people know."""
    other = [changed(study, word) for word in ("name=fork", "seed=1", "search.space.lr.high=0.9")]
    names = [study_name(own, arm) for own in (study, *other) for arm in own.arms()]
    assert len(set(names)) == len(names)
    assert any(re.fullmatch(r"tiny/sam [0-9a-f]{8}", name) for name in names)
    grown = changed(study, "search.budget=9", "search.searches=30")
    assert [study_name(grown, arm) for arm in grown.arms()] == names[: len(list(study.arms()))]


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
        if kill == "between parameters":
            start(tuned, number)
        else:
            parameters = tuned.ask(number)
            if kill == "after tell":
                tuned.tell(number, Outcome("complete", scores={"val_accuracy": score(parameters)}))
        if kill:
            if kill == "torn line":
                with journal.open("ab") as file:
                    file.write(b'{"op_code": 5, "worker_id"')
            tuned = tuner(study, "sam", open_journal(journal))
            number, found = 0, []  # a new process goes through all trials again
            continue
        found.append(parameters)
        tuned.tell(number, Outcome("complete", scores={"val_accuracy": score(parameters)}))
        number += 1
    trials = tuned._optuna.get_trials()
    assert [t.user_attrs["point"] for t in trials] == list(range(num))
    assert {t.state for t in trials} == {TrialState.COMPLETE}
    return found


def start(tuned: Tuner, number: int) -> None:
    """A trial that knows its lr and not yet its radius."""
    tuned._create(number, {}, TrialState.RUNNING)
    trial = optuna.Trial(tuned._optuna, tuned._trials[number])
    trial.suggest_float("lr", 0.01, 0.5, log=True)


KILLS = {2: "running", 4: "between parameters", 6: "after tell", 7: "torn line"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp"])
def test_a_killed_search_asks_what_an_uninterrupted_one_asks(
    study: Study, sampler: str, tmp_path: Path
):
    num = 8 if sampler == "gp" else 21
    study = changed(study, f"search.sampler={sampler}")
    kills = {**KILLS, num - 2: "running", num - 1: "between parameters"}
    if sampler == "random":  # all parameters are there from the start
        kills = {number: kill for number, kill in kills.items() if "between" not in kill}
    whole = searched(study, tmp_path / "whole", num, {})
    assert searched(study, tmp_path / "killed", num, kills) == whole
    assert len({p["lr"] for p in whole}) == num


def test_adaptive_samplers_learn(study: Study, tmp_path: Path):
    study = changed(study, "search.sampler=tpe", "search.searches=40")
    found = [score(p) for p in searched(study, tmp_path / "journal", 40, {})]
    assert sum(found[30:]) / 10 > sum(found[:10]) / 10


def test_a_running_trial_is_reopened_not_redone(study: Study, tmp_path: Path):
    first = tuner(study, "sam", open_journal(tmp_path / "journal"))
    parameters = first.ask(0)
    again = tuner(study, "sam", open_journal(tmp_path / "journal"))
    assert again.ask(0) == parameters
    again.tell(0, Outcome("complete", scores={"val_accuracy": 0.5}))
    again.tell(0, Outcome("complete", scores={"val_accuracy": 0.9}))  # told twice, counted once
    trials = again._optuna.get_trials()
    assert [(t.state, t.value) for t in trials] == [(TrialState.COMPLETE, 0.5)]


@pytest.mark.parametrize(
    ("outcome", "state", "value"),
    [
        (Outcome("complete", scores={"val_accuracy": 0.5}), TrialState.COMPLETE, 0.5),
        (Outcome("diverged", "non-finite loss in epoch 1"), TrialState.COMPLETE, 0.0),
        (Outcome("pruned", scores={"val_accuracy": 0.5}), TrialState.PRUNED, None),
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
        tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(number, {"epoch": epoch, "val_accuracy": 0.9}, epochs):
                tuned.tell(number, Outcome("pruned", scores={"val_accuracy": 0.9}))
                break
        else:
            tuned.tell(number, Outcome("complete", scores={"val_accuracy": 0.9}))


@pytest.mark.parametrize("epochs", [3, 10, 200])
@pytest.mark.parametrize("pruner", ["median", "percentile", "hyperband"])
def test_a_bad_trial_is_pruned_but_not_before_30_percent(study: Study, pruner: str, epochs: int):
    tuned = tuner(changed(study, "search.sampler=tpe", f"search.pruner={pruner}"), "sam")
    good_trials(tuned, 12, epochs)
    pruned = []
    for number in range(12, 16):  # several, since hyperband lets some brackets run
        tuned.ask(number)
        for epoch in range(1, epochs + 1):
            if tuned.report(number, {"epoch": epoch, "val_accuracy": 0.1}, epochs):
                pruned.append(epoch / epochs)
                break
        tuned.tell(number, Outcome("pruned"))
    assert pruned and min(pruned) >= 0.3


def test_without_a_pruner_nothing_is_pruned(study: Study):
    tuned = tuner(study, "sam")
    good_trials(tuned, 12, 10)
    tuned.ask(12)
    rows = [{"epoch": epoch, "val_accuracy": 0.0} for epoch in range(1, 11)]
    assert not any(tuned.report(12, row, 10) for row in rows)


def test_epochs_that_are_trained_again_decide_as_they_did(study: Study, tmp_path: Path):
    """Killed when it was about to be pruned, and resumed from a checkpoint some epochs before."""
    study = changed(study, "search.sampler=gp", "search.pruner=median")
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    good_trials(tuned, 8, 10)
    tuned.ask(8)
    accuracies = [0.5, 0.5, 0.1, 0.1, 0.1]
    rows = [{"epoch": i + 1, "val_accuracy": a} for i, a in enumerate(accuracies)]
    decisions = [tuned.report(8, row, 10) for row in rows[:2]]
    assert decisions == [False, False]
    assert tuned.report(8, rows[2], 10)
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    tuned.ask(8)
    assert [tuned.report(8, row, 10) for row in rows[:3]] == [*decisions, True]


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_less_may_be_better(study: Study, sampler: str, tmp_path: Path):
    """For samplers, which keep away from what diverged, for pruners, and after a kill."""
    words = ("task.objective=loss", f"search.sampler={sampler}", "search.pruner=median")
    study = changed(study, *words, "search.margin=0.1")
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    lost = Outcome("diverged", objective="loss")
    for number in range(9):
        place = tuned.arm.space["lr"].place(tuned.ask(number)["lr"])
        for epoch in range(1, 11):
            tuned.report(number, {"epoch": epoch, "val_loss": place}, 10)
        done = Outcome("complete", objective="loss", scores={"val_loss": place})
        tuned.tell(number, lost if number == 3 else done)
    tuned = tuner(study, "sam", open_journal(tmp_path / "journal"))
    assert tuned._optuna.direction == optuna.study.StudyDirection.MINIMIZE
    trials = tuned._optuna.get_trials()
    assert trials[3].value == math.inf
    least = min(trials, key=lambda trial: trial.values[0])
    assert tuned._optuna.best_trial.number == least.number
    assert tuned.ask(9)["lr"] < max(trial.params["lr"] for trial in trials)
    rows = [{"epoch": epoch, "val_loss": 5.0} for epoch in range(1, 11)]
    assert [tuned.report(9, row, 10) for row in rows[:5]].count(True)
