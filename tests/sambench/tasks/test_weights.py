"""Losses weighted by class."""

import pytest
import torch
from torch.nn import functional as F

from sambench.errors import UserError
from sambench.tasks.target import Classification
from sambench.tasks.weights import class_weights

CLASSES = ("a", "b", "c")
Y = torch.tensor([0] * 6 + [1] * 3 + [2])


@pytest.mark.parametrize("asked", ["balanced", (1.0, 2.0, 5.0)])
def test_the_mean_of_weighted_losses_is_their_weighted_mean(asked: object) -> None:
    weights = class_weights(asked, Y, CLASSES)  # pyright: ignore[reportArgumentType]
    outputs = torch.randn(len(Y), 3, generator=torch.Generator().manual_seed(0))
    own = Classification(CLASSES, weights=weights).losses(outputs, Y)
    given = 1 / torch.bincount(Y) if asked == "balanced" else torch.tensor(asked)
    assert own.shape == (len(Y),)
    torch.testing.assert_close(own.mean(), F.cross_entropy(outputs, Y, weight=given.float()))


def test_smoothed_losses_weigh_by_the_label_alone() -> None:
    weights = class_weights("balanced", Y, CLASSES)
    outputs = torch.randn(len(Y), 3, generator=torch.Generator().manual_seed(0))
    smoothed = F.cross_entropy(outputs, Y, label_smoothing=0.3, reduction="none")
    target = Classification(CLASSES, weights=weights)
    torch.testing.assert_close(target.losses(outputs, Y, 0.3), weights[Y] * smoothed)
    assert torch.equal(target.losses(outputs, Y, 0.3), target.losses(outputs, F.one_hot(Y), 0.3))


def test_a_mixed_item_has_the_weighted_losses_of_both() -> None:
    target = Classification(CLASSES, weights=class_weights("balanced", Y, CLASSES))
    outputs = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    one, other = (target.losses(outputs, torch.tensor([y]), 0.1) for y in (0, 2))
    mixed = target.losses(outputs, torch.tensor([[0.3, 0.0, 0.7]]), 0.1)
    torch.testing.assert_close(mixed, 0.3 * one + 0.7 * other)


def test_equal_weights_change_nothing() -> None:
    outputs = torch.randn(len(Y), 3, generator=torch.Generator().manual_seed(0))
    same = Classification(CLASSES, weights=class_weights((2.0, 2.0, 2.0), Y, CLASSES))
    torch.testing.assert_close(
        same.losses(outputs, Y, 0.2), Classification(CLASSES).losses(outputs, Y, 0.2)
    )


def test_a_class_without_labels_weighs_nothing() -> None:
    weights = class_weights("balanced", Y[:9], CLASSES)
    torch.testing.assert_close(weights, torch.tensor([0.75, 1.5, 0.0]))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((1.0, 2.0), r"task.class_weights: must hold 3 weights, of a, b, c; got 2"),
        ((0.0, 0.0, 0.0), r"task.class_weights: every training label has the weight 0"),
    ],
)
def test_weights_that_do_not_fit_are_refused(asked: tuple[float, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        class_weights(asked, Y, CLASSES)
