"""Pseudo-values against scores without each item by scikit-learn, and their error against draws."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch

from sambench.scores import AUROC, BALANCED_ACCURACY, F1_MACRO, F1_MICRO, KEPT, MAP
from sambench.tasks import Classification, MultiLabel, Target
from sambench.tasks.pseudovalues import balanced_accuracy

CLASSES = ("a", "b", "c")


class Case(NamedTuple):
    name: str
    target: Target
    draw: Callable[[np.random.Generator, int], tuple[torch.Tensor, torch.Tensor]]


def of_classes(num: int, *, ties: bool = False) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Classes that are not as frequent, and outputs that find them mostly."""

    def draw(rng: np.random.Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        shares = np.arange(1, num + 1) / sum(range(1, num + 1))
        y = np.concatenate([np.arange(num).repeat(2), rng.choice(num, n - 2 * num, p=shares)])
        outputs = np.eye(num)[y] + rng.normal(0, 0.8, (n, num))
        return torch.from_numpy(outputs.round() if ties else outputs), torch.from_numpy(y)

    return draw


def of_labels(*, ties: bool = False) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """The third label is nowhere, and found at times."""

    def draw(rng: np.random.Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        y = rng.random((n, 3)) < [0.5, 0.3, 0.0]
        y[:2, :2] = True
        outputs = 2 * y - 1 + rng.normal(0, 1.2, (n, 3))
        found = outputs.round() if ties else outputs
        return torch.from_numpy(found), torch.from_numpy(y.astype(np.float32))

    return draw


TWO, THREE, LABELS = Classification(CLASSES[:2]), Classification(CLASSES), MultiLabel(CLASSES)
CASES = {
    "balanced accuracy": Case(BALANCED_ACCURACY.name, THREE, of_classes(3)),
    "macro F1": Case(F1_MACRO.name, THREE, of_classes(3)),
    "area": Case(AUROC.name, TWO, of_classes(2)),
    "area of three, tied": Case(AUROC.name, THREE, of_classes(3, ties=True)),
    "mean average precision": Case(MAP.name, LABELS, of_labels()),
    "the same, tied": Case(MAP.name, LABELS, of_labels(ties=True)),
    "macro F1 of labels": Case(F1_MACRO.name, LABELS, of_labels()),
    "micro F1": Case(F1_MICRO.name, LABELS, of_labels()),
}


@pytest.fixture(params=CASES.values(), ids=[*CASES])
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def scored(case: Case, outputs: torch.Tensor, y: torch.Tensor) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a draw in which nothing is of a class
        return case.target.whole(case.name, outputs, y)


def test_they_are_the_score_without_each_item(case: Case):
    outputs, y = case.draw(np.random.default_rng(1), 25)
    whole, n = scored(case, outputs, y), len(y)
    found = case.target.of_items(case.name, outputs, y)
    assert found is not None and KEPT[case.name] == "pseudovalues"
    for i in range(n):
        rest = torch.arange(n) != i
        without = scored(case, outputs[rest], y[rest])
        assert float(found[i]) == pytest.approx(n * whole - (n - 1) * without, abs=1e-10)


def test_a_class_that_one_mistake_brought_in_goes_with_it():
    y, outputs = torch.tensor([0, 0, 1, 1, 1]), torch.eye(3)[[0, 0, 1, 1, 2]]
    case = Case(F1_MACRO.name, THREE, of_classes(3))
    found = THREE.of_items(case.name, outputs, y)
    assert found is not None
    assert float(found[4]) == pytest.approx(5 * scored(case, outputs, y) - 4 * 1.0)


@pytest.mark.parametrize("name", ["macro F1", "area", "mean average precision"])
def test_their_error_is_that_of_the_bootstrap_over_items(name: str):
    """Of the difference of two models on the same 400 items; 250 draws have 4.5% of error."""
    case, rng = CASES[name], np.random.default_rng(2)
    outputs, y = case.draw(rng, 400)
    other = outputs + torch.from_numpy(rng.normal(0, 0.5, outputs.shape)).round(decimals=1)
    one, two = (case.target.of_items(case.name, own, y) for own in (outputs, other))
    assert one is not None and two is not None
    error = float((one - two).std()) / 20
    draws = []
    for _ in range(250):
        rows = torch.from_numpy(rng.integers(0, 400, 400))
        draws.append(scored(case, outputs[rows], y[rows]) - scored(case, other[rows], y[rows]))
    assert error == pytest.approx(np.std(draws), rel=0.15)


@pytest.mark.parametrize("name", [BALANCED_ACCURACY.name, F1_MACRO.name, AUROC.name])
def test_a_class_of_one_item_has_no_error(name: str):
    y = torch.tensor([0, 0, 1, 1, 2])
    assert THREE.of_items(name, torch.eye(3)[y], y) is None


@pytest.mark.parametrize("name", [MAP.name, F1_MACRO.name])
def test_a_label_of_one_item_has_no_error(name: str):
    y = torch.zeros(5, 3)
    y[0] = 1
    assert LABELS.of_items(name, torch.randn(5, 3), y) is None


def test_of_all_labels_together_one_item_is_enough():
    y, outputs = torch.eye(5, 3), torch.ones(5, 3)
    found = LABELS.of_items(F1_MICRO.name, outputs, y)
    assert found is not None  # 3 of 15 are there: F1 1/3; without item 0, 2 of 12: 2/7
    assert float(found[0]) == pytest.approx(5 / 3 - 4 * 2 / 7)


def test_class_numbers_need_not_all_be_there():
    y = np.array([0, 0, 5, 5])
    found = balanced_accuracy(y, np.array([0, 5, 5, 5]))
    assert found is not None and found.tolist() == [1.5, 0.0, 0.75, 0.75]
