"""What of a study is not said any more where a Python caller brings something instead."""

import torch
from torch import nn

from sambench import config
from sambench.tasks.images import Data, Images
from sambench.training import Custom

STUDY = config.parse(
    {
        "name": "own",
        "variants": ["plain"],
        "task": {
            "dataset": "digits",
            "model": "test_resnet",
            "pretrained": True,
            "freeze": "backbone",
            "class_weights": "balanced",
        },
        "train": {"epochs": 1, "batch_size": 8, "label_smoothing": 0.1},
        "search": {"lr": 0.1},
    }
)


def changed(custom: Custom) -> set[str]:
    named = custom.named(STUDY).model_dump()
    return {
        f"{table}.{key}"
        for table in ("task", "train")
        for key, value in STUDY.model_dump()[table].items()
        if named[table].get(key) != value
    }


def model(channels: int, classes: int) -> nn.Module:
    return nn.Linear(channels, classes)


def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return outputs.sum(1)


def test_a_model_of_ones_own_has_no_weights_of_timms() -> None:
    assert changed(Custom(model=model)) == {"task.model", "task.pretrained", "task.freeze"}


def test_a_loss_of_ones_own_is_neither_smoothed_nor_weighted() -> None:
    assert changed(Custom(loss=loss)) == {"train.label_smoothing", "task.class_weights"}


def test_data_of_ones_own_weigh_their_own_classes() -> None:
    part = Images(torch.zeros(8, 1, 8, 8, dtype=torch.uint8), torch.arange(8) % 2)
    data = Data(part, part, part, ("a", "b"), torch.zeros(1), torch.ones(1))
    assert changed(Custom(data=data)) == {"task.dataset", "task.split", "task.class_weights"}
