"""A pool: what each of its random points is.

Rule 3 of the protocol. A point is a position in [0, 1) per axis, and the streams of its run; both
are functions of the study's seed and the point's number, the same for every arm.
"""

from collections.abc import Mapping
from typing import Any

from sambench import seeds
from sambench.config import Arm, Study


def parameters(study: Study, arm: Arm, point: int) -> dict[str, Any]:
    """What a point says of the searched hyperparameters."""
    return {
        name: space.at(seeds.position(study.seed, point, arm.axes[name]))
        for name, space in arm.space.items()
    }


def streams(study: Study, point: int) -> seeds.Seeds:
    """Those of a point's run."""
    return seeds.derive(study.seed, "point", point)


def searches_nothing(arms: Mapping[str, Arm]) -> bool:
    """Whether all is fixed, so that paired seeds compare the arms (rule 8)."""
    return not any(arm.space for arm in arms.values())
