"""Augmentation against a plain loop over images, and what its draws depend on."""

import numpy as np
import pytest
import torch

from sambench.tasks.images.augment import PAD_SHARE, apply, draws


def coordinates(num: int, height: int, width: int) -> torch.Tensor:
    """Images that tell where a pixel was: its row in channel 0, its column in 1, both from 1."""
    rows = torch.arange(1, height + 1).view(1, 1, height, 1).expand(num, 1, height, width)
    columns = torch.arange(1, width + 1).view(1, 1, 1, width).expand(num, 1, height, width)
    return torch.cat([rows, columns], 1).to(torch.uint8)


def crop_and_flip(image: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Pad by zeros, cut out a window, mirror: the textbook way."""
    _, height, width = image.shape
    rows, columns = (max(1, length // PAD_SHARE) for length in (height, width))
    padded = np.pad(image, ((0, 0), (rows, rows), (columns, columns)))
    top, left = int(u[0] * (2 * rows + 1)), int(u[1] * (2 * columns + 1))
    window = padded[:, top : top + height, left : left + width]
    return window[:, :, ::-1] if u[2] < 0.5 else window


@pytest.mark.parametrize(("height", "width"), [(32, 32), (8, 8), (6, 19)])
def test_crop_and_flip_equal_the_textbook(height: int, width: int) -> None:
    x, u = coordinates(64, height, width), draws(64, seed=0, epoch=0)
    expected = [crop_and_flip(*pair) for pair in zip(x.numpy(), u.numpy(), strict=True)]
    assert np.array_equal(apply("crop-flip", x, u).numpy(), np.stack(expected))


def test_cutout_removes_one_square_of_half_the_side() -> None:
    x, u = coordinates(200, 32, 32), draws(200, seed=1, epoch=0)
    cropped, cut = apply("crop-flip", x, u), apply("crop-flip-cutout", x, u)
    for i in range(len(x)):
        centre_row, centre_column = (int(v * 32) for v in u[i, 3:])
        expected = cropped[i].clone()
        top, left = max(0, centre_row - 8), max(0, centre_column - 8)
        expected[:, top : centre_row + 8, left : centre_column + 8] = 0
        assert torch.equal(cut[i], expected)


def test_every_offset_and_both_flips_occur_equally_often() -> None:
    u = draws(9000, seed=0, epoch=0)
    x = coordinates(9000, 16, 16)
    middle = apply("crop-flip", x, u)[:, :, 8, 8].long()
    assert torch.bincount(middle[:, 0])[7:12].min() > 1650  # 5 rows, 1800 each expected
    mirrored = apply("crop-flip", x, u)
    decreasing = mirrored[:, 1, 8, 6].long() > mirrored[:, 1, 8, 9].long()
    assert decreasing.float().mean() == pytest.approx(0.5, abs=0.03)


def test_none_changes_nothing() -> None:
    x = coordinates(4, 8, 8)
    assert torch.equal(apply("none", x, draws(4, 0, 0)), x)


def test_draws_of_a_row_depend_on_seed_epoch_and_row_only() -> None:
    u = draws(100, seed=5, epoch=2)
    assert torch.equal(u[:40], draws(40, seed=5, epoch=2))
    assert not torch.equal(u, draws(100, seed=5, epoch=3))
    assert not torch.equal(u, draws(100, seed=6, epoch=2))


def test_images_are_augmented_one_by_one() -> None:
    x, u = coordinates(10, 8, 8), draws(10, seed=0, epoch=0)
    rows = torch.tensor([7, 2])
    whole = apply("crop-flip-cutout", x, u)
    assert torch.equal(apply("crop-flip-cutout", x[rows], u[rows]), whole[rows])
    assert whole.dtype == torch.uint8
