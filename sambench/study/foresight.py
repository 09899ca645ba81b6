"""What a study cannot answer at its size, before it runs."""

from collections.abc import Iterable, Iterator
from math import ceil

from sambench.analysis import CONCLUDING, listing
from sambench.config import Arm, Study
from sambench.stats import RANKED_FROM, afforded
from sambench.study import pool


def shortcomings(study: Study, arms: Iterable[Arm]) -> Iterator[str]:
    """A sentence each, with what to write instead; at the declared costs."""
    listed = {arm.label: arm for arm in arms}
    if pool.searches_nothing(listed):
        if study.confirm.seeds < CONCLUDING:
            yield (
                f"nothing will be concluded from {study.confirm.seeds} paired seeds: "
                f"confirm.seeds = {CONCLUDING} is the least"
            )
        return
    if study.search.sampler != "random":
        return
    if study.search.searches < CONCLUDING:
        yield (
            f"nothing will be concluded from pools of search.searches = {study.search.searches}: "
            f"{CONCLUDING} is the least"
        )
    costs = {label: arm.cost(study.train.epochs) for label, arm in listed.items()}
    few = [
        label
        for label, cost in costs.items()
        if afforded(study.search.budget, 1, cost) < RANKED_FROM
    ]
    if few:
        needed = ceil(RANKED_FROM * max(costs[label] for label in few))
        yield (
            f"{listing(few)} will not be ranked, with fewer than {RANKED_FROM} trials at a budget "
            f"of {study.search.budget:g}: search.budget = {needed} would do"
        )
