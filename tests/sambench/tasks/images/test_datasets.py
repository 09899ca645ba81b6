"""What `check` and `load` promise, on the two sources that need no files."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from sambench.errors import UserError
from sambench.tasks import images as data
from sambench.tasks.images.images import Images, histogram, statistics

MakeTask = Callable[..., Any]
Streams = dict[str, int]


def tensors(loaded: data.Data) -> list[torch.Tensor]:
    parts = (loaded.train, loaded.val, loaded.test)
    return [t for part in parts for t in (part.x, part.y)] + [loaded.mean, loaded.std]


def pictures(images: Images) -> set[bytes]:
    return {x.numpy().tobytes() for x in images.x}


def test_digits_are_the_real_ones_in_the_sizes_asked_for(
    make_task: MakeTask, streams: Streams
) -> None:
    loaded = data.load(make_task("digits", train=797, val=400, test=600), streams)
    assert [len(p) for p in (loaded.train, loaded.val, loaded.test)] == [797, 400, 600]
    assert loaded.train.x.shape == (797, 1, 8, 8)
    assert (loaded.train.x.dtype, loaded.train.y.dtype) == (torch.uint8, torch.int64)
    assert loaded.classes == tuple("0123456789")
    every = torch.cat([loaded.train.x, loaded.val.x, loaded.test.x])
    assert (every.min(), every.max()) == (0, 255)
    assert len({x.numpy().tobytes() for x in every}) == 1797  # disjoint: no two digits are equal


def test_image_size_scales(make_task: MakeTask, streams: Streams) -> None:
    small, large = (data.load(make_task("digits", size), streams) for size in (8, 16))
    assert large.train.x.shape[1:] == (1, 16, 16)
    averaged = torch.nn.functional.avg_pool2d(large.train.x.float(), 2)
    # Bilinear enlargement blurs, so its 2x2 averages follow the original without equalling it.
    stacked = torch.stack([averaged.flatten(), small.train.x.float().flatten()])
    assert torch.corrcoef(stacked)[0, 1] > 0.95


def test_the_same_streams_give_the_same_bits(make_task: MakeTask, streams: Streams) -> None:
    task = make_task("digits", 16, label_noise=0.4)
    first, second = (tensors(data.load(task, streams)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_no_seed_trains_or_validates_on_a_test_image(make_task: MakeTask, streams: Streams) -> None:
    task = make_task("digits", label_noise=0.4, train=797, val=400, test=600)
    first = data.load(task, streams)
    second = data.load(task, streams | {"split": 11, "labels": 12})
    assert torch.equal(first.test.x, second.test.x)
    assert torch.equal(first.test.y, second.test.y)
    assert pictures(first.train) != pictures(second.train)
    assert not pictures(first.test) & (pictures(second.train) | pictures(second.val))


def test_noise_is_exact_on_train_and_val_and_absent_from_test(
    make_task: MakeTask, streams: Streams
) -> None:
    sizes = {"train": 797, "val": 400, "test": 600}
    clean = data.load(make_task("digits", **sizes), streams)
    noisy = data.load(make_task("digits", label_noise=0.4, **sizes), streams)
    assert torch.equal(clean.train.x, noisy.train.x)
    assert (clean.train.y != noisy.train.y).sum() == round(0.4 * 797)
    assert (clean.val.y != noisy.val.y).sum() == 160
    assert torch.equal(clean.test.y, noisy.test.y)
    assert set(noisy.train.y.tolist()) == set(range(10))


def test_the_labels_stream_redraws_wrong_labels_only(make_task: MakeTask, streams: Streams) -> None:
    task = make_task("digits", label_noise=0.4)
    first, second = data.load(task, streams), data.load(task, streams | {"labels": 9})
    assert torch.equal(first.train.x, second.train.x)
    assert not torch.equal(first.train.y, second.train.y)


def test_statistics_match_the_float_computation() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (50, 3, 7, 5), dtype=torch.uint8, generator=generator)
    x[:, 2] = 17
    mean, std = statistics(histogram(x))
    scaled = x.double() / 255
    assert_close(mean, scaled.mean((0, 2, 3)).float())
    assert_close(std[:2], scaled[:, :2].std((0, 2, 3), correction=0).float())
    assert std[2] == pytest.approx(1 / 255)  # constant channel: still divisible


def test_load_takes_its_statistics_from_the_training_set(
    make_task: MakeTask, streams: Streams
) -> None:
    loaded = data.load(make_task("synthetic", train=64), streams)
    assert_close(
        torch.stack([loaded.mean, loaded.std]), torch.stack(statistics(histogram(loaded.train.x)))
    )


def test_synthetic_is_learnable_but_not_trivial(make_task: MakeTask, streams: Streams) -> None:
    loaded = data.load(make_task("synthetic", train=400, val=50, test=300), streams)
    assert [len(p) for p in (loaded.train, loaded.val, loaded.test)] == [400, 50, 300]
    assert loaded.train.x.shape[1:] == (3, 8, 8)
    x, y = loaded.train.x.float().flatten(1), loaded.train.y
    centres = torch.stack([x[y == k].mean(0) for k in range(10)])
    nearest = torch.cdist(loaded.test.x.float().flatten(1), centres).argmin(1)
    assert (nearest == loaded.test.y).float().mean() > 0.95
    single = torch.cdist(loaded.test.x.float().flatten(1), x).argmin(1)
    assert (y[single] == loaded.test.y).float().mean() > 0.5


def test_synthetic_takes_any_image_size(make_task: MakeTask, streams: Streams) -> None:
    assert data.load(make_task("synthetic", 10), streams).test.x.shape == (500, 3, 10, 10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar11", "task.dataset: unknown dataset cifar11, did you mean cifar10"),
        ("digit", "did you mean digits"),
    ],
)
def test_unknown_datasets_are_refused_with_a_suggestion(
    make_task: MakeTask, streams: Streams, name: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        data.check(make_task(name))
    with pytest.raises(UserError, match=message):
        data.load(make_task(name), streams)


def test_check_and_load_refuse_the_same_sizes(make_task: MakeTask, streams: Streams) -> None:
    task = make_task("digits", train=1000, val=400, test=600)
    message = r"train 1000 \+ val 400 \+ test 600 is more than the 1797 of digits"
    for refused in (lambda: data.check(task), lambda: data.load(task, streams)):
        with pytest.raises(UserError, match=message):
            refused()


def test_check_accepts_good_tasks(make_task: MakeTask) -> None:
    for name in ("digits", "synthetic", "CIFAR10", "cifar10", "FashionMNIST"):
        data.check(make_task(name))


def test_to_moves_everything(make_task: MakeTask, streams: Streams) -> None:
    moved = data.load(make_task("synthetic"), streams).to("meta")
    assert {t.device.type for t in tensors(moved)} == {"meta"}
