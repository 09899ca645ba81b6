"""Which items train, validate and test: sizes that fit, and draws that keep class shares."""

from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from sambench.errors import UserError
from sambench.tasks.data import Samples

S = TypeVar("S", bound=Samples)
VAL_SHARE = 0.1  # of the training pool, where no size is given
TEST_SHARE = 0.2  # of all items, where neither a size nor a published test set is given
TEST_SEED = 0  # the test set is the same for all seeds: no run ever trains on a test item


class Split(Protocol):
    """The sizes asked for; None leaves the choice to `sizes`."""

    @property
    def train(self) -> int | None: ...
    @property
    def val(self) -> int | None: ...
    @property
    def test(self) -> int | None: ...


class Sizes(NamedTuple):
    train: int
    val: int
    test: int


def sizes(split: Split, num_train: int, num_test: int | None, name: str) -> Sizes:
    """The sizes to draw from `num_train` items and a published test set of `num_test`, if any."""
    if num_test is None:
        test = split.test or round(TEST_SHARE * num_train)
        pool, carved = num_train - test, f" + test {test}"
    else:
        test = split.test or num_test
        pool, carved = num_train, ""
        if test > num_test:
            raise UserError(f"task.split: test {test} is more than the {num_test} of {name}")
    val = split.val or max(1, round(VAL_SHARE * pool))
    train = split.train or max(1, pool - val)
    if train + val > pool:
        raise UserError(
            f"task.split: train {train} + val {val}{carved} is more than the {num_train} of {name}"
        )
    return Sizes(train, val, test)


def draw(train: S, test: S | None, sizes: Sizes, seed: int) -> tuple[S, S, S]:
    """Training, validation and test set, the last one of `train` where none was published.

    `seed` redraws the first two, never the third.
    """
    if test is None:
        order = stratified_order(train.y, TEST_SEED)
        tested, rest = train.rows(order[: sizes.test]), order[sizes.test :]
    else:
        order = stratified_order(test.y, TEST_SEED)
        tested = test.rows(order[: sizes.test].sort().values)
        rest = torch.arange(len(train))
    rest = rest[stratified_order(train.y[rest], seed)]
    own, val = rest[: sizes.train], rest[sizes.train : sizes.train + sizes.val]
    return train.rows(own), train.rows(val), tested


def stratified_order(y: Tensor, seed: int) -> Tensor:
    """A random order of all rows in which every stretch holds the classes in their shares of `y`.

    Each class is shuffled and spread evenly over (0, 1); sorting by position merges them. Numbers
    that are no classes are shuffled only. Of several labels, (n, labels), a class is what goes
    together.
    """
    if y.ndim == 2:
        y = y.unique(dim=0, return_inverse=True)[1]
    if y.is_floating_point():
        y = torch.zeros(len(y), dtype=torch.int64)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(y))
    by_class = shuffled[np.argsort(y.numpy()[shuffled], kind="stable")]
    counts = np.bincount(y.numpy())
    positions = np.concatenate([(np.arange(n) + rng.random()) / max(n, 1) for n in counts])
    return torch.from_numpy(by_class[np.argsort(positions, kind="stable")])
