"""Batches of normalised images, on the device where the images are."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sambench.tasks.data import num_batches
from sambench.tasks.images import augment as augmentation
from sambench.tasks.images import randaugment, resized_crop
from sambench.tasks.images.images import Samples
from sambench.tasks.images.mixing import mix
from sambench.tasks.shard import Shard

Batch = tuple[Tensor, Tensor]
"""images (b, c, h, w) float32, labels (b,) int64, or (b, classes) float32 if mixed or several"""


def epoch_batches(
    images: Samples,
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
    shard: Shard = Shard(),
) -> Iterator[Batch]:
    """One epoch of training, a function of (seed, epoch).

    What happens to an image depends on its row too, and how a batch is mixed on its number.

    shard: the part of each batch that this process trains on
    """
    device = images.device
    shuffled = np.random.default_rng([seed, epoch, 0]).permutation(len(images))
    mixed = bool(mixup or cutmix)
    batches = [
        shard.of(shuffled[i * batch_size : (i + 1) * batch_size], mixed=mixed)
        for i in range(num_batches(len(images), batch_size))
    ]
    order = torch.from_numpy(np.concatenate(batches)).to(device)
    on_device = order.split([len(rows) for rows in batches])
    chosen = randaugment.draws(len(images), seed, epoch) if augment == "randaugment" else None
    parts = None
    if augment == "random-resized-crop":
        height, width = images.shape[-2:]
        parts = resized_crop.draws(len(images), height, width, seed, epoch)
    u = augmentation.draws(len(images), seed, epoch).to(device)
    pixels = images.read(on_device)
    for i, (x, rows) in enumerate(zip(pixels, on_device, strict=True)):
        if parts is not None:
            x = resized_crop.apply(x, parts[batches[i]])
        else:
            x = augmentation.apply(augment, x, u[rows])
        if chosen is not None:
            x = randaugment.apply(x, chosen[batches[i]])
        x, y = mix(
            _normalise(x, mean, std),
            images.y[rows],
            mixup=mixup,
            cutmix=cutmix,
            classes=classes,
            seed=(seed, epoch, i, 2),
        )
        yield (x[1:], y[1:]) if mixed and shard.size > 1 else (x, y)


def eval_batches(
    images: Samples, *, batch_size: int, mean: Tensor, std: Tensor, shard: Shard = Shard()
) -> Iterator[Batch]:
    """Every image once, in order; the last batch may be smaller.

    shard: of the batches, in turns
    """
    batches = [slice(i, i + batch_size) for i in range(0, len(images), batch_size)]
    mine = batches[shard.rank :: shard.size]
    for x, rows in zip(images.read(mine), mine, strict=True):
        yield _normalise(x, mean, std), images.y[rows]


def _normalise(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return (x.float() / 255).sub_(mean[:, None, None]).div_(std[:, None, None])
