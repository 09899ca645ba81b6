"""The study that storages and executors are measured with, whose runs do nothing but report."""

from collections.abc import Iterator
from itertools import count
from math import ceil

import optuna

import variants
from sambench import config
from sambench.bench import EPOCHS
from sambench.config import Arm, Study
from sambench.study import Tuner
from sambench.training import Outcome

MORE = 1_000
"""Points, beyond those that are stored."""


def of_points(points: int) -> Study:
    """Of every variant, with about so many points in all."""
    some = _of_searches(10)
    a_search = sum(map(some.points, some.arms())) / 10
    return _of_searches(ceil(points / a_search))


def _of_searches(searches: int) -> Study:
    return config.parse(
        {
            "name": "scale",
            "variants": list(variants.names()),
            "task": {"dataset": "synthetic", "image_size": 8, "model": "test_resnet"},
            "train": {"epochs": EPOCHS, "batch_size": 32},
            "search": {
                "budget": 8.0,
                "searches": searches,
                "space": {"lr": {"low": 0.01, "high": 0.5, "log": True}},
            },
        }
    )


def in_turns(study: Study) -> Iterator[tuple[Arm, int]]:
    """Points of all arms in turns, as a study runs them."""
    arms = list(study.arms())
    for point in count():
        left = [arm for arm in arms if point < study.points(arm)]
        if not left:
            return
        yield from ((arm, point) for arm in left)


def tuners_of(study: Study, storage: optuna.storages.BaseStorage) -> dict[str, Tuner]:
    return {arm.label: Tuner(study, arm, storage) for arm in study.arms()}


def row(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "val_accuracy": 0.05 * epoch, "val_loss": 1.0, "train_loss": 1.0}


ENDED = Outcome(
    "complete",
    scores={"val_accuracy": 0.5, "val_loss": 1.0},
    epochs_done=EPOCHS,
    history=tuple(row(epoch) for epoch in range(1, EPOCHS + 1)),
)
