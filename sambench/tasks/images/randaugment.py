"""RandAugment (Cubuk et al. 2019, arXiv:1909.13719) of whole uint8 batches, on their device.

torchvision's transform draws one pair of operations for all it is given; these are torchvision's
operations at its strengths, but drawn per image and applied to all images of a batch that drew the
same.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

Operation = Callable[[Tensor, float], Tensor]
NUM_OPS = 2  # one after the other
STRENGTH = 9 / 30  # of the strongest: torchvision's default, magnitude 9 of 0 to 30


def _affine(x: Tensor, *, shift: tuple[int, int] = (0, 0), shear: tuple[float, float]) -> Tensor:
    center = [0.0, 0.0] if shift == (0, 0) else None
    degrees = [math.degrees(math.atan(s)) for s in shear]
    return F.affine(x, 0.0, list(shift), 1.0, degrees, center=center)


def _shift(side: int, sign: float) -> int:
    return int(sign * STRENGTH * 150 / 331 * side)


SIGNED: dict[str, Operation] = {
    "ShearX": lambda x, sign: _affine(x, shear=(sign * STRENGTH * 0.3, 0.0)),
    "ShearY": lambda x, sign: _affine(x, shear=(0.0, sign * STRENGTH * 0.3)),
    "TranslateX": lambda x, sign: _affine(x, shift=(_shift(x.shape[-1], sign), 0), shear=(0, 0)),
    "TranslateY": lambda x, sign: _affine(x, shift=(0, _shift(x.shape[-2], sign)), shear=(0, 0)),
    "Rotate": lambda x, sign: F.rotate(x, angle=sign * STRENGTH * 30),
    "Brightness": lambda x, sign: F.adjust_brightness(x, 1 + sign * STRENGTH * 0.9),
    "Color": lambda x, sign: F.adjust_saturation(x, 1 + sign * STRENGTH * 0.9),
    "Contrast": lambda x, sign: F.adjust_contrast(x, 1 + sign * STRENGTH * 0.9),
    "Sharpness": lambda x, sign: F.adjust_sharpness(x, 1 + sign * STRENGTH * 0.9),
}
UNSIGNED: dict[str, Operation] = {
    "Identity": lambda x, _: x,
    "Posterize": lambda x, _: F.posterize(x, bits=round(8 - 4 * STRENGTH)),
    "Solarize": lambda x, _: F.solarize(x, threshold=255 * (1 - STRENGTH)),
    "AutoContrast": lambda x, _: F.autocontrast(x),
    "Equalize": lambda x, _: F.equalize(x),
}
OPERATIONS = tuple((SIGNED | UNSIGNED).items())


def draws(num: int, seed: int, epoch: int) -> np.ndarray:
    """(num, NUM_OPS) int64: what happens to each image in one epoch, in place of its sign too."""
    rng = np.random.default_rng([seed, epoch, 3])
    return rng.integers(2 * len(OPERATIONS), size=(num, NUM_OPS))


def apply(x: Tensor, drawn: np.ndarray) -> Tensor:
    """`x` (b, 1 or 3, h, w) uint8, each image through the operations of its row of `drawn`."""
    for column in drawn.T:
        done = x.clone()
        for number in np.unique(column):
            rows = torch.from_numpy(np.flatnonzero(column == number)).to(x.device)
            _, operation = OPERATIONS[number // 2]
            done[rows] = operation(x[rows], 1.0 if number % 2 else -1.0)
        x = done
    return x
