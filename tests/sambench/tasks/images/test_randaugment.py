"""Our batched RandAugment against torchvision's transform of single images."""

from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode, RandAugment

from sambench.tasks.images import randaugment
from sambench.tasks.images.randaugment import OPERATIONS, SIGNED


def batch(channels: int = 3) -> torch.Tensor:
    shape = (6, channels, 20, 24)
    return torch.randint(
        0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def theirs(image: torch.Tensor, name: str, sign: float) -> torch.Tensor:
    reference: Any = RandAugment()
    magnitudes, signed = reference._AUGMENTATION_SPACE[name]
    strengths = magnitudes(31, *image.shape[-2:])
    strength = 0.0 if strengths is None else float(strengths[9])
    return reference._apply_image_or_video_transform(
        image,
        name,
        strength * (sign if signed else 1),
        interpolation=InterpolationMode.NEAREST,
        fill=reference._fill,
    )


def test_the_operations_are_torchvision_s():
    space = RandAugment._AUGMENTATION_SPACE
    assert {name for name, _ in OPERATIONS} == set(space)
    assert set(SIGNED) == {name for name, (_, signed) in space.items() if signed}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("number", range(2 * len(OPERATIONS)))
def test_each_image_becomes_what_torchvision_makes_of_it(number: int, channels: int):
    x = batch(channels)
    name, sign = OPERATIONS[number // 2][0], 1.0 if number % 2 else -1.0
    found = randaugment.apply(x, np.full((6, 1), number))
    for image, ours in zip(x, found, strict=True):
        difference = ours.int() - theirs(image, name, sign).int()
        assert difference.abs().max() <= 1  # strengths are float32 there
        assert (difference != 0).float().mean() < 0.01


def test_an_image_does_not_depend_on_its_batch():
    x, drawn = batch(), randaugment.draws(6, seed=3, epoch=2)
    whole = randaugment.apply(x, drawn)
    alone = [randaugment.apply(x[i : i + 1], drawn[i : i + 1]) for i in range(6)]
    assert torch.equal(whole, torch.cat(alone))
    assert not torch.equal(whole, x)


def test_draws_depend_on_seed_epoch_and_row_and_are_uniform():
    drawn = randaugment.draws(28_000, 0, 0)
    counts = np.bincount(drawn.ravel(), minlength=28)
    assert len(counts) == 28 and 1800 < counts.min() and counts.max() < 2200
    assert (drawn == randaugment.draws(28_000, 0, 0)).all()
    assert (drawn[:100] == randaugment.draws(100, 0, 0)).all()
    assert (drawn != randaugment.draws(28_000, 0, 1)).any()
