"""Batches: which images, in which order, scaled how."""

import pytest
import torch
from torch.testing import assert_close

from sambench.tasks import num_batches
from sambench.tasks.images import Images, epoch_batches, eval_batches
from sambench.tasks.images.augment import Augment

MEAN, STD = torch.tensor([0.25, 0.5]), torch.tensor([0.5, 0.125])


@pytest.fixture
def images() -> Images:
    """Twenty images of two channels, labelled by their row."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (20, 2, 8, 8), dtype=torch.uint8, generator=generator)
    return Images(x, torch.arange(20))


def epoch(
    images: Images, batch_size: int = 6, seed: int = 0, epoch: int = 0, augment: Augment = "none"
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(
        epoch_batches(
            images,
            batch_size=batch_size,
            seed=seed,
            epoch=epoch,
            augment=augment,
            mean=MEAN,
            std=STD,
        )
    )


def labels(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> list[int]:
    return torch.cat([y for _, y in batches]).tolist()


def test_an_epoch_has_full_batches_of_distinct_images(images: Images) -> None:
    batches = epoch(images)
    assert [len(y) for _, y in batches] == [6, 6, 6]
    assert len(batches) == num_batches(20, 6)
    assert len(set(labels(batches))) == 18


def test_a_set_smaller_than_a_batch_is_one_batch(images: Images) -> None:
    (batch,) = epoch(images, batch_size=64)
    assert sorted(batch[1].tolist()) == list(range(20))
    assert num_batches(20, 64) == 1


def test_images_are_normalised_and_stay_with_their_labels(images: Images) -> None:
    for x, y in epoch(images):
        assert x.dtype == torch.float32
        expected = (images.x[y].double() / 255 - MEAN[:, None, None]) / STD[:, None, None]
        assert_close(x, expected.float())


def test_order_is_a_function_of_seed_and_epoch(images: Images) -> None:
    assert labels(epoch(images)) == labels(epoch(images))
    assert labels(epoch(images)) != labels(epoch(images, epoch=1))
    assert labels(epoch(images)) != labels(epoch(images, seed=1))


def test_augmentation_of_an_image_does_not_depend_on_its_batch(images: Images) -> None:
    """The same image gets the same crop whatever the batch size; the order is the same too."""
    small, large = (epoch(images, batch_size=b, augment="crop-flip") for b in (5, 10))
    assert torch.equal(torch.cat([x for x, _ in small]), torch.cat([x for x, _ in large]))
    plain = epoch(images, batch_size=10)
    assert labels(plain) == labels(large)
    assert not torch.equal(plain[0][0], large[0][0])


def test_evaluation_sees_every_image_once_in_order(images: Images) -> None:
    batches = list(eval_batches(images, batch_size=6, mean=MEAN, std=STD))
    assert [len(y) for _, y in batches] == [6, 6, 6, 2]
    assert labels(batches) == list(range(20))
    expected = (images.x[18:].double() / 255 - MEAN[:, None, None]) / STD[:, None, None]
    assert_close(batches[-1][0], expected.float())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_batches_of_the_cpu(images: Images) -> None:
    there = epoch_batches(
        images.to("cuda"),
        batch_size=6,
        seed=0,
        epoch=0,
        augment="crop-flip-cutout",
        mean=MEAN.cuda(),
        std=STD.cuda(),
    )
    for (x, y), (gpu_x, gpu_y) in zip(
        epoch(images, augment="crop-flip-cutout"), there, strict=True
    ):
        assert gpu_x.is_cuda
        assert_close(gpu_x.cpu(), x)
        assert torch.equal(gpu_y.cpu(), y)
