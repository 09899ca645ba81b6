"""mixup and cutmix of a batch: drawn once, before a step, for all of its passes."""

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2


def mix(
    x: Tensor, y: Tensor, *, mixup: float, cutmix: float, classes: int, seed: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """torchvision's mixing of each image with the one before; labels become (b, classes) float32.

    mixup, cutmix: alpha of their Beta distribution, 0 for neither; of both, one is drawn
    seed: all that lambda, the choice and the box depend on; torch's generators stay as they are
    """
    choices = [kind(alpha=a, num_classes=classes)
               for kind, a in ((v2.MixUp, mixup), (v2.CutMix, cutmix)) if a]  # fmt: skip
    if not choices:
        return x, y
    rng = np.random.default_rng(seed)
    before = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(int(rng.integers(2**63)))
        return choices[rng.integers(len(choices))](x, y)
    finally:
        torch.set_rng_state(before)
