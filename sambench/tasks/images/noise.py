"""Wrong labels, on purpose."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch

from sambench.errors import UserError, echo, nearest
from sambench.tasks.images.images import Samples

Flips = Literal["symmetric", "asymmetric"] | Mapping[str, str]
"""Which class takes the place of another: any other, one that is like it, or as a map says."""

CIFAR10 = {
    "truck": "automobile",
    "bird": "airplane",
    "deer": "horse",
    "cat": "dog",
    "dog": "cat",
}
"""Patrini et al. 2017, arXiv:1609.03683; there a share of each of these classes, not of all."""
_CIFAR10_CLASSES = {*CIFAR10, *CIFAR10.values(), "frog", "ship"}


def mislabel(
    images: Samples,
    share: float,
    classes: Sequence[str],
    rng: np.random.Generator,
    flips: Flips = "symmetric",
) -> Samples:
    """The same images, with exactly `share` of all their labels (rounded) replaced by another.

    UserError for a map of other classes, or where too few labels have a place to go.
    """
    if isinstance(flips, str) and flips == "symmetric":
        num = round(share * len(images))
        rows = torch.from_numpy(rng.choice(len(images), num, replace=False))
        shift = torch.from_numpy(rng.integers(1, len(classes), num))
        y = images.y.clone()
        y[rows] = (y[rows] + shift) % len(classes)
        return images.labelled(y)
    return _mapped(images, share, _targets(flips, classes), rng)


def _mapped(
    images: Samples, share: float, targets: Sequence[int], rng: np.random.Generator
) -> Samples:
    to = torch.tensor(targets)[images.y]
    able = (to != images.y).nonzero().flatten().numpy()
    num = round(share * len(images))
    if num > len(able):
        raise UserError(
            f"task.label_noise: {share:g} of all labels are {num}, and task.label_flips changes "
            f"only classes that have {len(able)}: at most {len(able) / len(images):.2g}"
        )
    rows = torch.from_numpy(rng.choice(able, num, replace=False))
    y = images.y.clone()
    y[rows] = to[rows]
    return images.labelled(y)


def _targets(flips: Flips, classes: Sequence[str]) -> list[int]:
    """Of each class, that which takes its place; its own where it stays."""
    if isinstance(flips, str):
        if set(classes) != _CIFAR10_CLASSES:
            return [(i + 1) % len(classes) for i in range(len(classes))]
        flips = CIFAR10
    for name in (*flips, *flips.values()):
        if name not in classes:
            raise UserError(f"task.label_flips: no class {echo(name)}; {nearest(name, classes)}")
    return [classes.index(flips.get(name, name)) for name in classes]
