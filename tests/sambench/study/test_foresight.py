"""What a study cannot answer at its size, before it runs."""

import pytest

from sambench import config
from sambench.study.foresight import shortcomings

TASK = {"dataset": "digits", "model": "test_resnet"}
TRAIN = {"epochs": 4, "batch_size": 64}
LR = {"lr": {"low": 0.01, "high": 1.0, "log": True}}
FIXED = [{"name": "plain"}, {"name": "sam", "fix": {"rho": 0.05}}]


def told(search: dict[str, object], **more: object) -> list[str]:
    tables = {"name": "s", "task": TASK, "train": TRAIN, "search": search}
    study = config.parse({"variants": ["plain", "sam"], **tables, **more})
    return list(shortcomings(study, study.arms()))


def test_a_study_of_the_default_size_lacks_nothing():
    assert told({"space": LR}) == []


def test_an_arm_that_affords_too_few_trials_is_named_with_the_budget_that_would_do():
    (found,) = told({"space": LR, "budget": 4})
    assert found == (
        "plain-x2 and sam will not be ranked, with fewer than 3 trials at a budget of 4: "
        "search.budget = 6 would do"
    )


def test_too_few_searches_conclude_nothing():
    (found,) = told({"space": LR, "searches": 4})
    assert "search.searches = 4: 5 is the least" in found


@pytest.mark.parametrize(("seeds", "lacks"), [(4, 1), (5, 0)])
def test_too_few_seeds_conclude_nothing(seeds: int, lacks: int):
    found = told({"lr": 0.1}, variants=[], variant=FIXED, confirm={"seeds": seeds})
    assert len(found) == lacks
    assert all("confirm.seeds = 5 is the least" in line for line in found)


def test_adaptive_samplers_rank_nothing_anyway():
    assert told({"space": LR, "sampler": "tpe", "budget": 4, "searches": 10}) == []
