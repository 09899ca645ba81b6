"""What a point of a pool is: values and streams by hash, of no one else's making."""

from typing import Any

import pytest

from sambench import config, seeds
from sambench.study import pool
from sambench.study.protocol import Protocol

Spec = dict[str, Any]


@pytest.fixture
def study(spec: Spec) -> config.Study:
    spec["variants"] = ["plain", "sam", "asam"]
    space = {"k": {"low": 2, "high": 9}}
    spec["variant"] = [{"name": "looksam", "length": [0.5, 1], "space": space}]
    spec["search"]["budget"] = 4.0
    return config.parse(spec)


def test_arms_share_what_they_can(study: config.Study):
    """The learning rate and the streams of all, the place of the radius of those that have one."""
    arms = {arm.label: arm for arm in study.arms()}
    for point in range(6):
        found = {label: pool.parameters(study, arm, point) for label, arm in arms.items()}
        assert len({own["lr"] for own in found.values()}) == 1
        u = seeds.position(study.seed, point, "radius")
        for label in ("sam", "asam", "looksam", "looksam-x0.5"):
            assert found[label]["rho"] == arms[label].space["rho"].at(u)
        k = arms["looksam"].space["k"].at(seeds.position(study.seed, point, "k"))
        assert found["looksam"]["k"] == found["looksam-x0.5"]["k"] == k
        assert set(found["plain"]) == {"lr"}
        runs = [Protocol(study, arms, "cpu").pool_run(arms[x], point, found[x]) for x in arms]
        assert {run.seeds for run in runs} == {seeds.derive(study.seed, "point", point)}


def test_points_do_not_depend_on_who_else_enters_or_on_the_budget(study: config.Study, spec: Spec):
    spec |= {"variants": ["sam", "plain", "esam"], "variant": []}
    spec["search"] |= {"budget": 40.0, "searches": 9}
    other = config.parse(spec)
    arms = [next(a for a in s.arms() if a.label == "sam") for s in (study, other)]
    for point in range(20):
        assert pool.parameters(study, arms[0], point) == pool.parameters(other, arms[1], point)


def test_a_study_that_searches_nothing_has_no_pool(spec: Spec):
    spec["search"] = {"lr": 0.1}
    spec["variants"] = []
    spec["variant"] = [{"name": "plain"}, {"name": "sam", "fix": {"rho": 0.1}}]
    study = config.parse(spec)
    arms = {arm.label: arm for arm in study.arms()}
    assert pool.searches_nothing(arms)
    assert [Protocol(study, arms, "cpu").size(arm) for arm in arms.values()] == [0] * 4
    spec["variant"][1].pop("fix")
    assert not pool.searches_nothing({arm.label: arm for arm in config.parse(spec).arms()})
