"""Sizes and draws of the three sets."""

from dataclasses import dataclass

import pytest
import torch

from sambench.errors import UserError
from sambench.tasks.images.images import Images, Pool
from sambench.tasks.split import Sizes, draw, sizes, stratified_order


@dataclass(frozen=True)
class Asked:
    train: int | None = None
    val: int | None = None
    test: int | None = None


def numbered(num: int, num_classes: int = 5) -> Images:
    """Images whose only pixel is their row number."""
    return Images(
        torch.arange(num, dtype=torch.uint8).reshape(-1, 1, 1, 1), torch.arange(num) % num_classes
    )


@pytest.mark.parametrize(
    ("split", "num_test", "expected"),
    [
        (Asked(), 200, Sizes(900, 100, 200)),
        (Asked(val=300), 200, Sizes(700, 300, 200)),
        (Asked(train=64, val=32, test=16), 200, Sizes(64, 32, 16)),
        (Asked(), None, Sizes(720, 80, 200)),
        (Asked(test=500), None, Sizes(450, 50, 500)),
        (Asked(train=900, val=100, test=200), 200, Sizes(900, 100, 200)),
    ],
)
def test_sizes(split: Asked, num_test: int | None, expected: Sizes) -> None:
    assert sizes(split, 1000, num_test, "x") == expected


@pytest.mark.parametrize(
    ("split", "num_test", "message"),
    [
        (Asked(test=201), 200, "test 201 is more than the 200 of x"),
        (Asked(train=901, val=100), 200, r"train 901 \+ val 100 is more than the 1000 of x"),
        (Asked(val=1000), 200, r"train 1 \+ val 1000 is more than the 1000 of x"),
        (Asked(train=1000), 200, r"train 1000 \+ val 100 is more"),
        (Asked(test=1000), None, r"train 1 \+ val 1 \+ test 1000 is more than the 1000 of x"),
    ],
)
def test_sizes_that_do_not_fit(split: Asked, num_test: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sizes(split, 1000, num_test, "x")


def test_every_stretch_of_the_order_holds_the_class_shares() -> None:
    y = torch.tensor([0] * 100 + [1] * 60 + [2] * 40)
    order = stratified_order(y, seed=3)
    assert sorted(order.tolist()) == list(range(200))
    for start in range(0, 200, 20):
        counts = torch.bincount(y[order[start : start + 20]], minlength=3)
        assert (counts - torch.tensor([10, 6, 4])).abs().max() <= 1


def test_the_order_within_a_class_is_random_and_seeded() -> None:
    y = torch.zeros(100, dtype=torch.int64)
    first, again, other = (stratified_order(y, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, torch.arange(100))


def test_a_class_without_images_is_no_trouble() -> None:
    assert sorted(stratified_order(torch.tensor([0, 3, 3]), seed=0).tolist()) == [0, 1, 2]


def test_a_published_test_set_is_kept_whole_and_in_order() -> None:
    pool = Pool(numbered(100), numbered(30), ("a",) * 5)
    train, val, test = draw(pool.train, pool.test, Sizes(60, 40, 30), seed=7)
    assert torch.equal(test.x, numbered(30).x)
    assert sorted(torch.cat([train.x, val.x]).flatten().tolist()) == list(range(100))
    assert all(torch.equal(images.y, images.x.flatten() % 5) for images in (train, val))


def test_a_part_of_a_published_test_set_does_not_depend_on_the_seed() -> None:
    pool = Pool(numbered(100), numbered(30), ("a",) * 5)
    first, second = (draw(pool.train, pool.test, Sizes(50, 20, 10), seed) for seed in (1, 2))
    assert torch.equal(first[2].x, second[2].x)
    assert torch.bincount(first[2].y).tolist() == [2] * 5
    assert not torch.equal(first[0].x, second[0].x)


def test_without_a_published_test_set_the_three_are_disjoint() -> None:
    pool = Pool(numbered(100), None, ("a",) * 5)
    tests = []
    for seed in (1, 2):
        train, val, test = draw(pool.train, pool.test, Sizes(50, 20, 30), seed)
        every = torch.cat([train.x, val.x, test.x]).flatten().tolist()
        assert sorted(every) == list(range(100))
        assert torch.bincount(train.y).tolist() == [10] * 5
        tests.append(test.x)
    assert torch.equal(*tests)
