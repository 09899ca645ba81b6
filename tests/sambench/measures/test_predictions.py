"""Calibration, classes and wrong labels against scikit-learn, torchmetrics and counting."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import Tensor, nn

from sambench.errors import UserError
from sambench.measures import Measure, Pixels, Subject, measured, measures
from sambench.tasks import Classification


class Told(nn.Module):
    """Says for an image what stands in its pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.one * x[:, :, 0, 0]


def told(logits: Tensor, labels: Tensor, true: Tensor | None = None) -> Subject:
    """A model that has these logits for images with these labels, in two batches."""
    x = logits[:, :, None, None]
    cut = len(labels) // 2
    batches = [(x[:cut], labels[:cut]), (x[cut:], labels[cut:])]
    classes = logits.shape[1]
    clean = None if true is None else [true[:cut], true[cut:]]
    pixels = Pixels(torch.zeros(classes), torch.ones(classes))
    target = Classification(tuple(map(str, range(classes))))
    return Subject(Told(), batches, batches, target, pixels, true=clean)


def of(measure: Measure, subject: Subject) -> dict[str, float]:
    with measured(subject.model):
        return dict(measure.of(subject))


def random_logits(classes: int, rows: int = 301) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(classes)
    logits = 2 * torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    shifted = logits + torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    return logits, shifted.argmax(1)


@pytest.mark.parametrize("classes", [2, 5])
def test_calibration(classes: int):
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    logits, labels = random_logits(classes)
    found = of(measures.get("calibration")(), told(logits, labels))
    chances = logits.softmax(1)
    ece = torchmetrics.multiclass_calibration_error(
        chances, labels, classes, n_bins=15, norm="l1", validate_args=False
    )
    assert found["ece"] == pytest.approx(float(ece), rel=1e-5)  # which adds in float32
    assert found["nll"] == pytest.approx(metrics.log_loss(labels, chances), rel=1e-9)
    exact = np.square(chances.numpy() - np.eye(classes)[labels]).sum(1).mean()
    assert found["brier"] == pytest.approx(exact, rel=1e-9)


def test_adaptive_bins_hold_equal_numbers():
    """Four images in two bins: confidences .6 and .7, .8 and .9, of which the second is wrong."""
    confidence = torch.tensor([0.8, 0.6, 0.9, 0.7], dtype=torch.float64)
    logits = torch.stack([confidence.log(), (1 - confidence).log()], 1)
    labels = torch.tensor([0, 0, 0, 1])
    found = of(measures.get("calibration")(bins=2), told(logits, labels))
    assert found["ece_adaptive"] == pytest.approx((abs(1 - 1.3) + abs(2 - 1.7)) / 4)
    assert found["ece"] == pytest.approx(abs(3 - 3.0) / 4, abs=1e-12)


def test_sure_and_wrong_is_finite():
    logits = torch.tensor([[2000.0, 0.0], [0.0, 2000.0]], dtype=torch.float64)
    found = of(measures.get("calibration")(), told(logits, torch.tensor([1, 1])))
    assert math.isfinite(found["nll"]) and found["nll"] > 300


@pytest.mark.parametrize("classes", [2, 4])
def test_classwise(classes: int):
    logits, labels = random_logits(classes)
    found = of(measures.get("classwise")(), told(logits, labels))
    predicted = logits.argmax(1)
    recalls = metrics.recall_score(labels, predicted, average=None)
    assert found["balanced_accuracy"] == pytest.approx(recalls.mean(), rel=1e-9)
    assert found["worst_class"] == pytest.approx(recalls.min(), rel=1e-9)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    pairs = []
    for c in range(classes):
        own, others = logits.softmax(1)[labels == c, c], logits.softmax(1)[labels != c, c]
        pairs.append(float((own[:, None] > others[None]).double().mean()))
    assert found["auroc"] == pytest.approx(sum(pairs) / classes, rel=1e-9)


def test_classes_without_items_are_told():
    logits, _ = random_logits(4)
    with pytest.raises(UserError, match="2 of 4 classes have no test item"):
        of(measures.get("classwise")(), told(logits, torch.arange(len(logits)) % 2))


def test_memorisation():
    """Four wrong labels: two are predicted, one is put right, one is something else."""
    given = torch.tensor([1, 1, 1, 1, 0, 0])
    true = torch.tensor([0, 0, 0, 0, 0, 0])
    predicted = torch.tensor([1, 1, 0, 2, 0, 2])
    logits = torch.nn.functional.one_hot(predicted, 3).double()
    found = of(measures.get("memorisation")(), told(logits, given, true))
    assert found == {"memorised": 0.5, "corrected": 0.25, "clean_train_accuracy": 0.5}


@pytest.mark.parametrize("true", [None, torch.tensor([1, 1])])
def test_memorisation_needs_wrong_labels(true: Tensor | None):
    logits = torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(UserError, match="labels"):
        of(measures.get("memorisation")(), told(logits, torch.tensor([1, 1]), true))
