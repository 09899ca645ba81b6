"""How many runs a study needs, told before any of them: light, no torch."""

from collections.abc import Iterable, Mapping

from sambench.config import Arm, Study
from sambench.stats import Ranking, afforded, smallest_shown
from sambench.study import pool


def is_ranked(study: Study, arms: Mapping[str, Arm]) -> bool:
    """Whether pools are ranked: adaptive samplers only tune, fixed settings have none."""
    return study.search.sampler == "random" and not pool.searches_nothing(arms)


def size(study: Study, arms: Mapping[str, Arm], arm: Arm) -> int:
    """Points of an arm's pool."""
    return 0 if pool.searches_nothing(arms) else study.points(arm)


def expected_runs(study: Study, arms: Iterable[Arm]) -> dict[str, dict[str, int]]:
    """Stage -> label -> how many runs, if no validation scores tie and none diverges."""
    listed = {arm.label: arm for arm in arms}
    pools = {label: size(study, listed, arm) for label, arm in listed.items()}
    searches = study.search.searches
    if pool.searches_nothing(listed):
        confirm = dict.fromkeys(listed, study.confirm.seeds)
    elif is_ranked(study, listed):
        trials = {
            label: afforded(study.search.budget, 1, arm.cost(study.train.epochs))
            for label, arm in listed.items()
        }
        confirm = {
            label: sum(
                Ranking.of(dict.fromkeys(range(pools[label]), 0.0)).reruns(
                    k, searches, smallest_shown(trials.values(), k)
                )
            )
            for label, k in trials.items()
        }
    else:
        confirm = dict.fromkeys(listed, 0)
    settings = {label: searches if arm.space else 0 for label, arm in listed.items()}
    return {"pool": pools, "confirm": confirm, "setting": settings}


def expected_cost(study: Study, arms: Iterable[Arm]) -> float:
    """What all stages are expected to cost, in epochs of the baseline."""
    listed = {arm.label: arm for arm in arms}
    return sum(
        num * listed[label].passes * listed[label].epochs
        for runs in expected_runs(study, listed.values()).values()
        for label, num in runs.items()
    )
