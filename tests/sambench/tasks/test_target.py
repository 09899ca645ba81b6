"""Scores of classes and of numbers, against scikit-learn's own and closed forms."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics

from sambench.errors import UserError
from sambench.scores import CLASSIFICATION, MULTI_LABEL, REGRESSION
from sambench.tasks import (
    Classification,
    MultiLabel,
    Regression,
    Scored,
    constant,
    judged,
    scored,
)

CLASSES = ("a", "b", "c")
NAMES = [score.name for score in CLASSIFICATION]
NUMBERS = [score.name for score in REGRESSION]


def evaluated(target, outputs: torch.Tensor, y: torch.Tensor, asked: list[str]) -> Scored:
    """In two batches, as an engine does it."""
    parts = [judged(target, outputs[at], y[at], asked) for at in (slice(7), slice(7, None))]
    return scored(target, {k: torch.cat([own[k] for own in parts]) for k in parts[0]}, asked)


def test_scores_of_classes_are_those_of_scikit_learn():
    rng = torch.Generator().manual_seed(0)
    outputs = torch.randn(50, 3, generator=rng)
    y = torch.arange(50) % 7 % 3
    found = evaluated(Classification(CLASSES), outputs, y, NAMES).values
    right = outputs.argmax(1)
    assert found["accuracy"] == metrics.accuracy_score(y, right)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, right))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(y, right, average="macro"))
    shares = outputs.double().softmax(1)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(y, shares, multi_class="ovr"))
    assert found["loss"] == pytest.approx(metrics.log_loss(y, shares), rel=1e-6)


def test_of_two_classes_the_area_is_that_of_the_second():
    outputs = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [0.0, 0.5]])
    y = torch.tensor([1, 0, 1, 0])
    assert scored_by(Classification(("no", "yes")), outputs, y, "auroc") == 1.0
    assert scored_by(Classification(("no", "yes")), -outputs, y, "auroc") == 0.0


def scored_by(target, outputs: torch.Tensor, y: torch.Tensor, name: str) -> float:
    return scored(target, judged(target, outputs, y, [name]), [name]).values[name]


LABELS = [score.name for score in MULTI_LABEL]


def test_scores_of_several_labels_are_those_of_scikit_learn():
    rng = torch.Generator().manual_seed(0)
    outputs = torch.randn(50, 3, generator=rng)
    y = (torch.rand(50, 3, generator=rng) < torch.tensor([0.5, 0.2, 0.0])).float()
    found = evaluated(MultiLabel(CLASSES), outputs, y, LABELS).values
    right = outputs > 0
    assert found["f1_macro"] == pytest.approx(
        metrics.f1_score(y, right, average="macro", zero_division=0)
    )
    assert found["f1_micro"] == pytest.approx(metrics.f1_score(y, right, average="micro"))
    precisions = [metrics.average_precision_score(y[:, i], outputs[:, i]) for i in (0, 1)]
    assert found["map"] == pytest.approx(np.mean(precisions)), "of labels that are there"
    assert found["loss"] == pytest.approx(
        np.mean([metrics.log_loss(y[:, i], outputs[:, i].sigmoid(), labels=[0, 1])
                 for i in range(3)]), rel=1e-5
    )  # fmt: skip


def test_a_label_by_chance_scores_its_share():
    y = torch.zeros(40, 2)
    y[:10, 0] = y[:30, 1] = 1
    found = constant(MultiLabel(("a", "b")), y, LABELS)
    assert found["map"] == pytest.approx((0.25 + 0.75) / 2)
    assert found["f1_micro"] == pytest.approx(2 * 30 / (2 * 30 + 10 + 10))
    assert MultiLabel(("a", "b")).gap(y[30:]) == ("2 of 2 labels have no item there: a, b")
    assert math.isnan(evaluated(MultiLabel(("a", "b")), y, y * 0, LABELS).values["map"])


def test_smoothed_labels_move_to_the_middle():
    outputs, y = torch.randn(5, 3), torch.ones(5, 3)
    target = MultiLabel(CLASSES)
    mixed = 0.8 * target.losses(outputs, y) + 0.2 * target.losses(outputs, y / 2)
    torch.testing.assert_close(target.losses(outputs, y, 0.2), mixed)


def test_scores_of_numbers_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.normal(50, 10, 40)).float()
    outputs = torch.from_numpy(rng.normal(0, 1, (40, 1))).float()
    found = evaluated(Regression(mean=50.0, std=10.0), outputs, y, NUMBERS).values
    predicted = outputs[:, 0].double() * 10 + 50
    assert found["r2"] == pytest.approx(metrics.r2_score(y, predicted))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, predicted))
    assert found["loss"] == pytest.approx(metrics.mean_squared_error(y, predicted) / 100)


def test_training_minimises_what_is_told_as_loss():
    target = Regression(mean=5.0, std=2.0)
    outputs, y = torch.tensor([[0.0], [1.0]]), torch.tensor([5.0, 5.0])
    assert target.losses(outputs, y).tolist() == [0.0, 1.0]
    assert scored_by(target, outputs, y, "loss") == 0.5


@pytest.mark.parametrize(
    ("target", "y", "expected"),
    [
        (
            Classification(CLASSES),
            torch.tensor([0, 0, 1, 2]),
            {"accuracy": 0.5, "balanced_accuracy": 1 / 3, "f1_macro": 2 / 9, "auroc": 0.5},
        ),
        (
            Regression(mean=9.0, std=3.0),
            torch.tensor([1.0, 3.0]),
            {"r2": 0.0, "rmse": 1.0, "mae": 1.0},
        ),
    ],
)
def test_what_looks_at_no_input_scores_by_chance(target, y: torch.Tensor, expected: dict):
    assert constant(target, y, list(expected)) == pytest.approx(expected)


def test_outputs_that_are_lost_have_no_score_instead_of_an_error():
    outputs = torch.full((4, 3), math.nan)
    assert math.isnan(scored_by(Classification(CLASSES), outputs, torch.arange(4) % 3, "auroc"))


def test_what_a_set_lacks_is_named():
    target = Classification(CLASSES, "row")
    assert target.gap(torch.tensor([0, 0])) == "2 of 3 classes have no row there: b, c"
    with pytest.raises(UserError, match="auroc needs every class in every set, and 1 of 3"):
        constant(target, torch.tensor([0, 1]), ["auroc"])
    assert Regression(0.0, 1.0).gap(torch.ones(3)) == "all targets are the same number"
