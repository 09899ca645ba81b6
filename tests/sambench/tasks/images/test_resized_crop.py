"""Random parts of images, as torchvision draws and scales them."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from sambench.tasks.images import Images, epoch_batches
from sambench.tasks.images.resized_crop import AREA, RATIO, apply, draws


def test_parts_lie_in_the_image_and_have_the_areas_and_ratios_of_torchvision() -> None:
    height, width, num = 64, 96, 4000
    top, left, h, w, mirrored = draws(num, height, width, seed=0, epoch=0).T
    assert (top >= 0).all() and (left >= 0).all()
    assert (top + h <= height).all() and (left + w <= width).all()
    torch.manual_seed(0)
    image = torch.zeros(3, height, width)
    theirs = np.array(
        [v2.RandomResizedCrop.get_params(image, AREA, RATIO) for _ in range(num)]
        if hasattr(v2.RandomResizedCrop, "get_params")
        else [
            [params[key] for key in ("top", "left", "height", "width")]
            for params in (v2.RandomResizedCrop(64).make_params([image]) for _ in range(num))
        ]
    ).T
    ours = np.stack([top, left, h, w])
    # 5 standard errors of the difference of two means
    bound = 5 * np.sqrt((ours.var(1) + theirs.var(1)) / num)
    assert (abs(ours.mean(1) - theirs.mean(1)) < bound).all()
    quantiles = np.quantile(ours, (0.1, 0.9), axis=1) - np.quantile(theirs, (0.1, 0.9), axis=1)
    assert (abs(quantiles) <= 5).all()
    assert mirrored.mean() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("height", "width", "part"), [(9, 90, (9, 12)), (90, 9, (12, 9))])
def test_where_no_part_fits_it_is_the_largest_in_the_middle(
    height: int, width: int, part: tuple[int, int]
) -> None:
    top, left, h, w, _ = draws(2000, height, width, seed=0, epoch=0).T
    whole = (h == part[0]) & (w == part[1])
    middle = (top == (height - part[0]) // 2) & (left == (width - part[1]) // 2)
    assert (whole & middle).any()


def test_a_part_is_what_torchvision_makes_of_it() -> None:
    x = torch.randint(0, 256, (3, 3, 20, 16), dtype=torch.uint8)
    parts = np.array([[2, 3, 10, 8, 0], [0, 0, 20, 16, 0], [0, 0, 20, 16, 1]])
    found = apply(x, parts)
    assert found.shape == x.shape and found.dtype == torch.uint8
    assert torch.equal(found[1], x[1]) and torch.equal(found[2], x[2].flip(-1))
    scaled = torch.nn.functional.interpolate(
        x[:1, :, 2:12, 3:11].float(), (20, 16), mode="bilinear", antialias=True
    )
    assert (found[0].float() - scaled[0]).abs().max() <= 1


def test_an_image_has_its_part_whatever_the_batch_size() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (12, 3, 16, 16), dtype=torch.uint8, generator=generator)
    images = Images(x, torch.arange(12))

    def seen(batch_size: int, epoch: int = 0) -> dict[int, torch.Tensor]:
        batches = epoch_batches(
            images,
            batch_size=batch_size,
            seed=3,
            epoch=epoch,
            augment="random-resized-crop",
            mean=torch.zeros(3),
            std=torch.ones(3),
        )
        return {int(y): own for xs, ys in batches for own, y in zip(xs, ys, strict=True)}

    one, other = seen(12), seen(4)
    assert all(torch.equal(one[row], other[row]) for row in range(12))
    assert not all(torch.equal(one[row], seen(12, epoch=1)[row]) for row in range(12))
