"""A `[task]` table as the data package sees it, and the seeds of one run."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

MakeTask = Callable[..., SimpleNamespace]


@pytest.fixture
def make_task() -> MakeTask:
    def make(
        dataset: str,
        image_size: int | None = None,
        label_noise: float = 0.0,
        train: int | None = None,
        val: int | None = None,
        test: int | None = None,
        stream: bool | str = "auto",
    ) -> SimpleNamespace:
        split = SimpleNamespace(train=train, val=val, test=test)
        return SimpleNamespace(
            dataset=dataset,
            image_size=image_size,
            label_noise=label_noise,
            label_flips="symmetric",
            split=split,
            stream=stream,
            path="path",
            label=("label",),
            separator=None,
            part=None,
            pretrained=False,
            class_weights=None,
        )

    return make


@pytest.fixture
def streams() -> dict[str, int]:
    return {"split": 1, "labels": 2, "init": 3, "order": 4}
