"""Pools, reruns and settings, from made-up outcomes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

import variants
from sambench import config
from sambench.config import Study
from sambench.seeds import derive
from sambench.study import pool
from sambench.study.expected import expected_cost, expected_runs
from sambench.study.protocol import Protocol
from sambench.training import Outcome, Run

Spec = dict[str, Any]
Results = dict[str, tuple[Run, Outcome]]


@pytest.fixture
def study(spec: Spec) -> Study:
    """Budget 8, 5 searches: k is 16, 8, 4 of plain and 4 of sam."""
    spec["search"] |= {"budget": 8.0, "searches": 5}
    spec["variant"] = [{"name": "plain"}]
    return config.parse(spec)


def protocol_of(study: Study) -> Protocol:
    return Protocol(study, {arm.label: arm for arm in study.arms()}, "cpu")


def done(accuracy: float, passes: float = 1, steps: int = 4) -> Outcome:
    return Outcome(
        "complete",
        scores={"val_accuracy": accuracy},
        gradient_evaluations=passes * steps,
        steps=steps,
    )


DIVERGED = Outcome("diverged", "non-finite loss in epoch 1", gradient_evaluations=2, steps=2)
FAILED = Outcome("failed", "out of memory", scores={"val_accuracy": 0.99})


def ran(protocol: Protocol, label: str, outcomes: Sequence[Outcome]) -> Results:
    arm = protocol.arms[label]
    runs = [
        protocol.pool_run(arm, i, pool.parameters(protocol.study, arm, i))
        for i in range(len(outcomes))
    ]
    return {run.id: (run, outcome) for run, outcome in zip(runs, outcomes, strict=True)}


def whole(protocol: Protocol, sam: Sequence[Outcome]) -> Results:
    """Pools of plain arms whose validation scores fall with the point, and this one of sam."""
    results = ran(protocol, "sam", sam)
    for label, arm in protocol.arms.items():
        if label != "sam":
            scores = [done(0.9 - i / 200) for i in range(protocol.size(arm))]
            results |= ran(protocol, label, scores)
    return results


def reruns(protocol: Protocol, results: Results, label: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for run in protocol.confirmations(results):
        if run.label == label:
            found[run.point] = found.get(run.point, 0) + 1
    return found


SAM = [done(0.5 + i / 100, 2) for i in range(20)]


def test_all_pools_cost_the_same(study: Study):
    protocol = protocol_of(study)
    sizes = {label: protocol.size(arm) for label, arm in protocol.arms.items()}
    assert sizes == {"sam": 20, "plain-x0.5": 80, "plain": 40, "plain-x2": 20}
    assert all(sizes[label] * arm.cost(2) == 40 for label, arm in protocol.arms.items())


def test_a_pool_that_does_not_divide_is_rounded_up(spec: Spec):
    study = config.parse({**spec, "search": {**spec["search"], "budget": 7.0, "searches": 3}})
    plain = next(arm for arm in study.arms() if arm.label == "plain")
    sam = next(arm for arm in study.arms() if arm.label == "sam")
    assert (study.points(plain), study.points(sam)) == (21, 11)


def test_points_are_shared_by_axis(study: Study):
    protocol = protocol_of(study)
    plain, sam = (
        [pool.parameters(study, protocol.arms[label], i) for i in range(20)]
        for label in ("plain", "sam")
    )
    assert [own["lr"] for own in plain] == [own["lr"] for own in sam]
    assert len({own["rho"] for own in sam}) == 20
    assert set(plain[0]) == {"lr"} and set(sam[0]) == {"lr", "rho"}


def test_the_better_a_point_the_more_often_it_runs_again(study: Study):
    """At k = 4 of 20 rank r weighs C(19 - r, 3) / C(20, 4): 31 reruns of 13 points."""
    protocol = protocol_of(study)
    found = reruns(protocol, whole(protocol, SAM), "sam")
    assert list(found) == list(range(19, 6, -1))
    assert list(found.values()) == [6, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1]
    assert sum(found.values()) == 31
    plain = reruns(protocol, whole(protocol, SAM), "plain")
    assert len(plain) == 27  # the weight at k = 4, the smallest that tables show
    assert sum(plain.values()) == 45


def test_reruns_have_streams_of_their_point(study: Study):
    protocol = protocol_of(study)
    runs = protocol.confirmations(whole(protocol, SAM))
    assert {run.stage for run in runs} == {"confirm"}
    assert all(run.seeds == derive(0, "confirm", run.point, run.rerun) for run in runs)
    assert len({run.id for run in runs}) == len(runs)
    assert [run.rerun for run in runs] == sorted(run.rerun for run in runs)


def test_diverged_points_rank_last_and_are_not_confirmed(study: Study):
    protocol = protocol_of(study)
    sam = [DIVERGED, *SAM[1:19], DIVERGED]
    found = reruns(protocol, whole(protocol, sam), "sam")
    assert 0 not in found and 19 not in found
    assert found[18] == 6
    assert "sam" not in {
        run.label for run in protocol.confirmations(whole(protocol, [DIVERGED] * 20))
    }


def test_a_run_lost_to_the_machine_is_no_point(study: Study):
    protocol = protocol_of(study)
    results = whole(protocol, [FAILED, *SAM[1:]])
    assert not protocol.is_complete(results)
    assert protocol.is_complete(whole(protocol, SAM))
    assert 0 not in protocol.pools(results)["sam"]


def test_ties_go_to_the_lower_point(study: Study):
    protocol = protocol_of(study)
    assert list(reruns(protocol, whole(protocol, [done(0.5, 2)] * 20), "sam")) == list(range(13))


def test_what_an_arm_affords_is_counted_not_declared(study: Study):
    """At half of the declared cost sam affords 8 trials, and its best point weighs 8 / 20."""
    protocol = protocol_of(study)
    cheap = [done(0.5 + i / 100, 1) for i in range(20)]
    assert reruns(protocol, whole(protocol, cheap), "sam")[19] == round(6 * 5 * 8 / 20)


def test_an_arm_below_three_trials_shows_no_more_than_its_own(spec: Spec):
    """m-sharpness in parts costs more; k = 2 of 4 points confirms all but the last."""
    spec["search"] |= {"budget": 4.0, "searches": 2}
    protocol = protocol_of(config.parse(spec))
    results = ran(protocol, "sam", [done(0.5 + i / 10, 2) for i in range(4)])
    results |= ran(protocol, "plain", [done(0.9 - i / 100) for i in range(8)])
    assert list(reruns(protocol, results, "sam")) == [3, 2, 1]


def test_settings_run_on_streams_of_their_own(study: Study):
    protocol = protocol_of(study)
    runs = protocol.settings({"sam": {"lr": 0.1, "rho": 0.2}, "plain": {"lr": 0.3}})
    assert [(run.label, run.rerun) for run in runs] == [
        (label, j) for j in range(5) for label in ("sam", "plain")
    ]
    assert {run.stage for run in runs} == {"setting"}
    assert [run.seeds for run in runs if run.label == "sam"] == [
        derive(0, "setting", j) for j in range(5)
    ]
    assert runs[0].rho == 0.2 and runs[0].sees_test
    other = protocol.settings({"sam": {"lr": 0.1, "rho": 0.3}})
    assert other[0].id != runs[0].id  # nothing of it is overwritten


def test_adaptive_samplers_confirm_nothing(spec: Spec):
    spec["search"] |= {"budget": 40.0, "sampler": "tpe"}
    spec["variants"] = []
    protocol = protocol_of(config.parse(spec))
    results = ran(protocol, "plain", [done(0.5)] * 40)
    assert not protocol.ranks and protocol.is_complete(results)
    assert protocol.confirmations(results) == []


def test_a_length_is_a_schedule(study: Study):
    protocol = protocol_of(study)
    epochs = {label: protocol.pool_run(arm, 0, {"lr": 0.1}).epochs
              for label, arm in protocol.arms.items()}  # fmt: skip
    assert epochs == {"plain-x0.5": 1, "plain": 2, "plain-x2": 4, "sam": 2}


def test_every_hyperparameter_is_recorded_fixed_searched_or_default(spec: Spec):
    table = {"name": "looksam", "fix": {"k": 3}}
    study = config.parse({**spec, "variants": ["plain"], "variant": [table]})
    protocol = protocol_of(study)
    run = protocol.pool_run(protocol.arms["looksam"], 0, {"lr": 0.1, "rho": 0.2})
    assert run.hyperparameters["k"] == 3 and run.hyperparameters["rho"] == 0.2
    assert set(run.hyperparameters) > {"k", "rho"}


@pytest.mark.parametrize("key", variants.names())
def test_every_variant_can_be_recorded_and_made_again(spec: Spec, key: str):
    spec["search"] |= {"budget": 20.0}
    study = config.parse({**spec, "variants": sorted({"plain", key}), "variant": []})
    arm = next(arm for arm in study.arms() if arm.key == key)
    own = pool.parameters(study, arm, 0)
    run = protocol_of(study).pool_run(arm, 0, own)
    assert json.loads(json.dumps(run.setting)) == run.setting
    again = variants.create(key, **run.hyperparameters)
    assert again == variants.create(key, **{name: v for name, v in own.items() if name != "lr"})
    assert run.rho == getattr(again, run.radius or "", None)


def test_expected_runs_are_those_of_pools_without_ties(study: Study):
    protocol = protocol_of(study)
    found = expected_runs(study, study.arms())
    confirm = protocol.confirmations(whole(protocol, SAM))
    labels = {label: sum(run.label == label for run in confirm) for label in protocol.arms}
    assert found["confirm"] == labels
    assert found["setting"] == dict.fromkeys(protocol.arms, 5)
    spent = sum(
        num * protocol.arms[label].passes * protocol.arms[label].epochs
        for own in found.values() for label, num in own.items()
    )  # fmt: skip
    assert expected_cost(study, study.arms()) == spent
