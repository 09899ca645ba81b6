"""Wrong labels, on purpose."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np
import torch

from sambench.errors import UserError, echo, nearest
from sambench.tasks.data import Samples

S = TypeVar("S", bound=Samples)

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
    items: S,
    share: float,
    classes: Sequence[str],
    rng: np.random.Generator,
    flips: Flips = "symmetric",
) -> S:
    """The same items, with exactly `share` of all their labels (rounded) replaced by another.

    UserError for a map of other classes, or where too few labels have a place to go.
    """
    if isinstance(flips, str) and flips == "symmetric":
        num = round(share * len(items))
        rows = torch.from_numpy(rng.choice(len(items), num, replace=False))
        shift = torch.from_numpy(rng.integers(1, len(classes), num))
        y = items.y.clone()
        y[rows] = (y[rows] + shift) % len(classes)
        return items.labelled(y)
    return _mapped(items, share, _targets(flips, classes), rng)


def _mapped(items: S, share: float, targets: Sequence[int], rng: np.random.Generator) -> S:
    to = torch.tensor(targets)[items.y]
    able = (to != items.y).nonzero().flatten().numpy()
    num = round(share * len(items))
    if num > len(able):
        raise UserError(
            f"task.label_noise: {share:g} of all labels are {num}, and task.label_flips changes "
            f"only classes that have {len(able)}: at most {len(able) / len(items):.2g}"
        )
    rows = torch.from_numpy(rng.choice(able, num, replace=False))
    y = items.y.clone()
    y[rows] = to[rows]
    return items.labelled(y)


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
