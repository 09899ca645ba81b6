"""A part of each image, scaled to the whole's size, half of them mirrored: ImageNet's usual way.

torchvision's RandomResizedCrop draws one part for all that it is given; here each image has its
own, drawn as torchvision draws it. What happens to an image depends on (seed, epoch, row) alone.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

AREA = (0.08, 1.0)  # of the part, as a share of the image: torchvision's default
RATIO = (3 / 4, 4 / 3)  # of its width to its height
TRIES = 10


def draws(num: int, height: int, width: int, seed: int, epoch: int) -> np.ndarray:
    """(num, 5) int64: top, left, height and width of each image's part, and whether to mirror."""
    u = np.random.default_rng([seed, epoch, 4]).random((num, 2 * TRIES + 3))
    area = height * width * (AREA[0] + u[:, :TRIES] * (AREA[1] - AREA[0]))
    low, high = map(math.log, RATIO)
    ratio = np.exp(low + u[:, TRIES : 2 * TRIES] * (high - low))
    h, w = (np.rint(np.sqrt(side)).astype(np.int64) for side in (area / ratio, area * ratio))
    fits = (h > 0) & (h <= height) & (w > 0) & (w <= width)
    first, rows = fits.argmax(1), np.arange(num)
    whole = ~fits.any(1)
    # where no try fits, the largest part in the middle, as torchvision has it
    h = np.where(whole, min(height, round(width / RATIO[0])), h[rows, first])
    w = np.where(whole, min(width, round(height * RATIO[1])), w[rows, first])
    down, right, mirrored = u[:, 2 * TRIES :].T
    top = np.where(whole, (height - h) // 2, (down * (height - h + 1)).astype(np.int64))
    left = np.where(whole, (width - w) // 2, (right * (width - w + 1)).astype(np.int64))
    return np.stack([top, left, h, w, mirrored < 0.5], 1)


def apply(x: Tensor, parts: np.ndarray) -> Tensor:
    """`x` (b, c, h, w) uint8, each image replaced by its part, see `draws`; scaled bilinearly."""
    size = list(x.shape[-2:])
    found = []
    for image, (*box, mirrored) in zip(x, parts.tolist(), strict=True):
        part = F.resized_crop(image, *box, size=size, antialias=True)
        found.append(part.flip(-1) if mirrored else part)
    return torch.stack(found)
