"""Random crop, flip and cutout of whole batches, on any device, without a loop over images.

Draws are uniform numbers in a table with a row per image of the training set: what happens to an
image in an epoch depends on (seed, epoch, row) alone, not on its batch or on the batch size.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

Augment = Literal["none", "crop-flip", "crop-flip-cutout", "randaugment", "random-resized-crop"]
PAD_SHARE = 8  # pad an eighth of the side: the usual 4 pixels at 32
_DRAWS = 5  # crop row, crop column, flip, cutout row, cutout column


def draws(num: int, seed: int, epoch: int) -> Tensor:
    """(num, 5) float32 in [0, 1): the chances of `num` images in one epoch."""
    rng = np.random.default_rng([seed, epoch, 1])
    return torch.from_numpy(rng.random((num, _DRAWS), np.float32))


def apply(augment: Augment, x: Tensor, u: Tensor) -> Tensor:
    """`x` (b, c, h, w) cropped, flipped and cut by its draws `u` (b, 5); new pixels are 0."""
    if augment == "none":
        return x
    height, width = x.shape[-2:]
    rows = _shifted(height, u[:, 0])
    columns = _shifted(width, u[:, 1])
    columns = torch.where(u[:, 2, None] < 0.5, columns.flip(1), columns)
    visible = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None, :]
    if augment == "crop-flip-cutout":
        visible &= ~(_hole(height, u[:, 3])[:, :, None] & _hole(width, u[:, 4])[:, None, :])
    pixels = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None, :]
    index = pixels.flatten(1)[:, None, :].expand(-1, x.shape[1], -1)  # (b, c, h * w)
    return x.flatten(2).gather(2, index).view_as(x) * visible[:, None]


def _shifted(length: int, u: Tensor) -> Tensor:
    """(b, length) int64: where each output pixel comes from, up to an eighth outside."""
    pad = max(1, length // PAD_SHARE)
    offset = (u * (2 * pad + 1)).long() - pad
    return torch.arange(length, device=u.device) + offset[:, None]


def _inside(source: Tensor, length: int) -> Tensor:
    return (source >= 0) & (source < length)


def _hole(length: int, u: Tensor) -> Tensor:
    """(b, length) bool: half the side, around a centre anywhere, so that borders may clip it."""
    start = (u * length).long()[:, None] - length // 4
    at = torch.arange(length, device=u.device)
    return (at >= start) & (at < start + length // 2)
