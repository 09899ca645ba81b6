"""Where models and images lie channels last, and that a run's numbers do not depend on it."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import nn

from sambench import config, seeds
from sambench.config import Train
from sambench.tasks import images
from sambench.training.custom import Custom
from sambench.training.engine import Engine
from sambench.training.loop import engine_for
from sambench.training.memory_format import channels_last
from sambench.training.run import Run

Spec = dict[str, Any]


def timms() -> nn.Module:
    return timm.create_model("test_resnet", num_classes=3)


def own() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 3))


@pytest.mark.parametrize(
    ("asked", "model", "device", "found"),
    [
        (None, timms, "cpu", True),
        (None, timms, "cuda", False),
        (None, own, "cpu", False),
        (False, timms, "cpu", False),
        (True, own, "cpu", True),
        (True, timms, "cuda", True),
    ],
)
def test_where_it_is_faster_or_asked_for(
    asked: bool | None, model: Callable[[], nn.Module], device: str, found: bool
):
    train = Train(epochs=1, batch_size=8, channels_last=asked)
    assert channels_last(train, model(), torch.device(device)) is found


def started(spec: Spec, **changes: Any) -> Engine:
    study = config.parse({**spec, "train": spec["train"] | changes})
    run = Run(study, "sam", "sam", "pool", 0, 0, seeds.derive(0, "point", 0), 0.05, {"rho": 0.1}, 2)
    return engine_for(run, images.load(study.task, run.seeds.streams), Custom())


def test_a_run_is_the_same_to_rounding(spec: Spec):
    usual, asked = started(spec), started(spec, channels_last=False)
    formats: set[bool] = set()
    usual.model.register_forward_pre_hook(
        lambda _, args: formats.add(args[0].is_contiguous(memory_format=torch.channels_last))
    )
    row, reference = usual.train_epoch(0), asked.train_epoch(0)
    usual.score("val")
    assert formats == {True}
    assert row["train_loss"] == pytest.approx(reference["train_loss"], rel=1e-4)
