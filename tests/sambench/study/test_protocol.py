"""Finalists, winners and seeds, from made-up outcomes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

import variants
from sambench import config, seeds
from sambench.config import Study
from sambench.seeds import STREAMS, derive
from sambench.study.protocol import Protocol, cost, expected_cost, expected_passes, runs_per_arm
from sambench.training.run import Outcome, Run

Spec = dict[str, Any]
Results = dict[str, tuple[Run, Outcome]]


@pytest.fixture
def study(spec: Spec) -> Study:
    spec["search"]["trials"] = 4
    spec["finalists"] = {"top": 2, "seeds": 3}
    spec["confirm"] = {"seeds": 5}
    return config.parse(spec)


@pytest.fixture
def protocol(study: Study) -> Protocol:
    return Protocol(study, study.arms(), "cpu")


def done(accuracy: float, loss: float = 1.0) -> Outcome:
    return Outcome("complete", val_accuracy=accuracy, val_loss=loss)


DIVERGED = Outcome("diverged", "non-finite loss in epoch 1")
PRUNED = Outcome("pruned", "pruned after epoch 1", val_accuracy=0.99, val_loss=0.1)
FAILED = Outcome("failed", "out of memory", val_accuracy=0.99, val_loss=0.1)


def searched(protocol: Protocol, label: str, outcomes: Sequence[Outcome]) -> Results:
    arm = next(arm for arm in protocol.arms if arm.label == label)
    radius = {"rho": 0.05} if label == "sam" else {}
    runs = [
        protocol.search_run(arm, trial, {"lr": 0.1 + trial, **radius})
        for trial in range(len(outcomes))
    ]
    return {run.id: (run, outcome) for run, outcome in zip(runs, outcomes, strict=True)}


def finalist_trials(protocol: Protocol, results: Results, label: str) -> set[int]:
    return {run.trial for run in protocol.finalists(results) if run.label == label}


def test_the_best_trials_become_finalists_on_every_fresh_seed(protocol: Protocol):
    results = searched(protocol, "sam", [done(0.5), done(0.9), done(0.7), done(0.8)])
    runs = protocol.finalists(results)
    assert [(run.trial, run.seeds.number) for run in runs] == [
        (1, 1), (3, 1), (1, 2), (3, 2), (1, 3), (3, 3)
    ]  # fmt: skip
    assert {run.stage for run in runs} == {"finalist"}
    assert {(run.trial, run.lr) for run in runs} == {(1, 1.1), (3, 3.1)}


def test_ties_go_to_the_lower_loss_then_to_the_earlier_trial(protocol: Protocol):
    tied = [done(0.9, 2.0), done(0.9, 1.0), done(0.9, 3.0), done(0.9, 2.0)]
    assert finalist_trials(protocol, searched(protocol, "sam", tied), "sam") == {1, 0}


def test_only_complete_trials_become_finalists(protocol: Protocol):
    results = searched(protocol, "sam", [PRUNED, done(0.2), FAILED, DIVERGED])
    assert finalist_trials(protocol, results, "sam") == {1}


def test_a_variant_that_always_diverged_is_not_confirmed_but_others_are(protocol: Protocol):
    results = searched(protocol, "sam", [DIVERGED] * 4)
    results |= searched(protocol, "plain", [done(0.5)] * 4)
    finalists = protocol.finalists(results)
    results |= {run.id: (run, done(0.5)) for run in finalists}
    assert {run.label for run in protocol.confirmations(results)} == {"plain"}


def confirmed(protocol: Protocol, scores: dict[tuple[int, int], Outcome]) -> set[int]:
    """Trials that are confirmed, given finalist outcomes by (trial, seed)."""
    results = searched(protocol, "sam", [done(0.5), done(0.9), done(0.7), done(0.8)])
    for run in protocol.finalists(results):
        results[run.id] = (run, scores[run.trial, run.seeds.number])
    return {run.trial for run in protocol.confirmations(results)}


def test_the_highest_mean_over_fresh_seeds_wins_whatever_the_search_said(protocol: Protocol):
    better_search = {(1, seed): done(0.6) for seed in (1, 2, 3)}
    better_mean = {(3, 1): done(0.5), (3, 2): done(0.6), (3, 3): done(0.8)}
    assert confirmed(protocol, better_search | better_mean) == {3}


def test_a_tied_mean_goes_to_the_lower_loss(protocol: Protocol):
    first = {(1, seed): done(0.6, 2.0) for seed in (1, 2, 3)}
    second = {(3, seed): done(0.6, 1.0) for seed in (1, 2, 3)}
    assert confirmed(protocol, first | second) == {3}


def test_a_finalist_that_diverged_once_loses_to_one_that_never_did(protocol: Protocol):
    shaky = {(1, 1): done(0.99), (1, 2): done(0.99), (1, 3): DIVERGED}
    steady = {(3, seed): done(0.5) for seed in (1, 2, 3)}
    assert confirmed(protocol, shaky | steady) == {3}


def test_winners_run_on_the_same_new_seeds(protocol: Protocol):
    results: Results = {}
    for label in ("plain", "sam"):
        results |= searched(protocol, label, [done(0.5), done(0.9), done(0.7), done(0.8)])
    finalists = protocol.finalists(results)
    results |= {run.id: (run, done(0.5)) for run in finalists}
    confirm = protocol.confirmations(results)
    by_label = {label: [r.seeds for r in confirm if r.label == label] for label in ("plain", "sam")}
    assert by_label["plain"] == by_label["sam"]
    assert [s.number for s in by_label["sam"]] == [1000, 1001, 1002, 1003, 1004]

    stages = {"search": {0}, "finalist": {1, 2, 3}, "confirm": set(range(1000, 1005))}
    runs = [run for run, _ in results.values()] + confirm
    for stage, numbers in stages.items():
        assert {run.seeds.number for run in runs if run.stage == stage} == numbers
    assert len({run.id for run in runs}) == len(runs)


def test_stages_never_share_a_seed(spec: Spec):
    """999 finalist seeds are the most there can be below the first confirm seed."""
    spec["finalists"]["seeds"] = 999
    study = config.parse(spec)
    assert seeds.FINALIST + study.finalists.seeds <= seeds.CONFIRM
    with pytest.raises(Exception, match=r"finalists\.seeds: must be < 1000, got 1000"):
        config.parse(spec, overrides=["finalists.seeds=1000"])


def test_streams_are_independent_and_stable():
    streams = [value for number in range(200) for value in derive(number).streams.values()]
    assert len(set(streams)) == 200 * len(STREAMS)
    assert derive(1000).streams == derive(1000).streams
    assert derive(0).streams == {
        "split": 1486056859, "labels": 816271860, "init": 3638038229, "order": 3505848740
    }  # fmt: skip


def test_a_studys_seed_moves_every_stage(spec: Spec):
    study = config.parse(spec, overrides=["seed=5000"])
    protocol = Protocol(study, study.arms(), "cpu")
    results = searched(protocol, "sam", [done(0.5), done(0.9)])
    assert {run.seeds.number for run, _ in results.values()} == {5000}
    assert {run.seeds.number for run in protocol.finalists(results)} == {5001}


@pytest.mark.parametrize(("factor", "epochs"), [(0.5, 5), (1.0, 10), (2.0, 20)])
def test_plain_searches_its_schedule_length(spec: Spec, factor: float, epochs: int):
    study = config.parse(spec, overrides=["train.epochs=10"])
    protocol = Protocol(study, study.arms(), "cpu")
    run = protocol.search_run(study.arms()[0], 0, {"lr": 0.1, "epochs_factor": factor})
    assert (run.epochs, run.lr, run.hyperparameters) == (epochs, 0.1, {})
    sam = protocol.search_run(study.arms()[1], 0, {"lr": 0.1, "rho": 0.2})
    assert (sam.epochs, sam.rho) == (10, 0.2)
    assert cost(run) <= cost(sam)  # the baseline never spends more than SAM


def test_half_of_one_epoch_is_one_epoch(spec: Spec):
    study = config.parse(spec, overrides=["train.epochs=1"])
    run = Protocol(study, study.arms(), "cpu").search_run(
        study.arms()[0], 0, {"lr": 0.1, "epochs_factor": 0.5}
    )
    assert run.epochs == 1


def test_every_hyperparameter_is_recorded_fixed_searched_or_default(spec: Spec):
    table = {"name": "looksam", "fix": {"k": 3}}
    study = config.parse({**spec, "variants": ["plain"], "variant": [table]})
    run = Protocol(study, study.arms(), "cpu").search_run(
        study.arms()[1], 0, {"lr": 0.1, "rho": 0.2}
    )
    assert run.hyperparameters["k"] == 3 and run.hyperparameters["rho"] == 0.2
    assert set(run.hyperparameters) > {"k", "rho"}


@pytest.mark.parametrize("key", variants.names())
def test_every_variant_can_be_recorded_and_made_again(spec: Spec, key: str):
    study = config.parse({**spec, "variants": sorted({"plain", key})})
    arm = next(arm for arm in study.arms() if arm.key == key)
    low = {name: min(space.extremes.values()) for name, space in arm.space.items()}
    run = Protocol(study, study.arms(), "cpu").search_run(arm, 0, low)
    assert json.loads(json.dumps(run.setting)) == run.setting
    again = variants.create(key, **run.hyperparameters)
    chosen = {name: value for name, value in low.items() if name not in ("lr", "epochs_factor")}
    assert again == variants.create(key, **chosen)
    radius = run.radius or ""
    assert run.rho == getattr(again, radius, None)


def test_expected_cost_counts_all_stages(study: Study):
    plain, sam = study.arms()
    assert expected_passes(sam) == 2
    assert expected_passes(plain) == pytest.approx((0.5 + 1 + 2) / 3)
    runs = 4 + 2 * 3 + 5
    assert runs_per_arm(study) == {"search": 4, "finalist": 2 * 3, "confirm": 5}
    assert expected_cost(study, study.arms()) == pytest.approx((2 + 3.5 / 3) * 2 * runs)
