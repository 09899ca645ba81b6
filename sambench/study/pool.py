"""A pool: how many random points an arm runs, and what each of them is.

Rule 3 of the protocol. A point is a position in [0, 1) per axis, and the streams of its run; both
are functions of the study's seed and the point's number, the same for every arm.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from sambench import seeds
from sambench.config import Arm, Study


def size(study: Study, arm: Arm) -> int:
    """Points of an arm: as many as the study's searches need, at the declared passes."""
    return ceil(study.search.searches * study.search.budget / arm.cost(study.train.epochs))


def parameters(study: Study, arm: Arm, point: int) -> dict[str, Any]:
    """What a point says of the searched hyperparameters."""
    return {
        name: space.at(seeds.position(study.seed, point, arm.axes[name]))
        for name, space in arm.space.items()
    }


def searches_nothing(arms: Mapping[str, Arm]) -> bool:
    """Whether all is fixed, so that paired seeds compare the arms (rule 8)."""
    return not any(arm.space for arm in arms.values())
