"""Batches of normalised images, on the device where the images are."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sambench.data import augment as augmentation
from sambench.data import randaugment
from sambench.data.images import Images
from sambench.data.mixing import mix

Batch = tuple[Tensor, Tensor]
"""images (b, c, h, w) float32, labels (b,) int64, or (b, classes) float32 if mixed"""


def num_batches(num_images: int, batch_size: int) -> int:
    """Batches per epoch: full ones only, so that shapes stay fixed; one partial if none is full."""
    return max(1, num_images // batch_size)


def epoch_batches(
    images: Images,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: augmentation.Augment,
    mean: Tensor,
    std: Tensor,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    classes: int = 0,
) -> Iterator[Batch]:
    """One epoch of training, a function of (seed, epoch).

    What happens to an image depends on its row too, and how a batch is mixed on its number.
    """
    device = images.x.device
    shuffled = np.random.default_rng([seed, epoch, 0]).permutation(len(images))
    order = torch.from_numpy(shuffled).to(device)
    chosen = randaugment.draws(len(images), seed, epoch) if augment == "randaugment" else None
    u = augmentation.draws(len(images), seed, epoch).to(device)
    for i in range(num_batches(len(images), batch_size)):
        at = slice(i * batch_size, (i + 1) * batch_size)
        rows = order[at]
        x = augmentation.apply(augment, images.x[rows], u[rows])
        if chosen is not None:
            x = randaugment.apply(x, chosen[shuffled[at]])
        yield mix(
            _normalise(x, mean, std),
            images.y[rows],
            mixup=mixup,
            cutmix=cutmix,
            classes=classes,
            seed=(seed, epoch, i, 2),
        )


def eval_batches(images: Images, *, batch_size: int, mean: Tensor, std: Tensor) -> Iterator[Batch]:
    """Every image once, in order; the last batch may be smaller."""
    for x, y in zip(images.x.split(batch_size), images.y.split(batch_size), strict=True):
        yield _normalise(x, mean, std), y


def _normalise(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return (x.float() / 255 - mean[:, None, None]) / std[:, None, None]
