"""Wrong labels, on purpose."""

import numpy as np
import torch

from sambench.tasks.images.images import Samples


def mislabel(images: Samples, share: float, num_classes: int, rng: np.random.Generator) -> Samples:
    """The same images, with exactly `share` of their labels (rounded) replaced by another class."""
    num = round(share * len(images))
    rows = torch.from_numpy(rng.choice(len(images), num, replace=False))
    shift = torch.from_numpy(rng.integers(1, num_classes, num))
    y = images.y.clone()
    y[rows] = (y[rows] + shift) % num_classes
    return images.labelled(y)
