"""Slices of the loss on quadratics, and the gap by counting."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from sambench.measures import Detailed, Subject, measured, measures
from sambench.measures.slices import _normalised
from sambench.measures.surface import Surface
from sambench.measures.testing import convolutional
from tests.sambench.measures.test_predictions import told


class Rows(nn.Module):
    """Its output is its weights, a matrix with two filters, whatever the image."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights, self.bias = nn.Parameter(weights), nn.Parameter(torch.ones(2).double())

    def forward(self, x: Tensor) -> Tensor:
        return self.weights.flatten().expand(len(x), -1)


def quadratic() -> Subject:
    """The loss is half the squared distance of the weights from 1."""

    weights = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    batches = [(torch.zeros(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64))]
    target = SimpleNamespace(losses=lambda outputs, y: (outputs - 1).square().sum(1) / 2)
    return Subject(Rows(weights), batches, batches, target)  # pyright: ignore[reportArgumentType]


def of(subject: Subject, **settings: object) -> Detailed:
    with measured(subject.model):
        found = measures.get("slices")(**settings).of(subject)["slice_rise"]
    assert isinstance(found, Detailed)
    return found


def test_a_quadratic_is_a_parabola_along_a_filter_normalised_line():
    subject = quadratic()
    direction, still = _normalised(Surface(subject, subject.train), 0)
    assert direction.norm(dim=1).tolist() == pytest.approx([5.0, 2.0]) and not still.any()
    found = of(subject, steps=5, reach=2.0)
    d, w = direction.flatten().numpy(), subject.parameters[0].detach().flatten().numpy()
    wanted = [((w + a * d - 1) ** 2).sum() / 2 for a in (-2, -1, 0, 1, 2)]
    np.testing.assert_allclose(found.details, wanted, rtol=1e-12)
    assert found == pytest.approx(2**2 * 29 / 2)  # |d|^2 is 25 + 4, the slopes of both ends cancel


def test_a_plane_has_the_line_in_its_middle():
    line, plane = (of(quadratic(), steps=3, dimensions=n).details for n in (1, 2))
    assert plane.shape == (3, 3)
    np.testing.assert_allclose(plane[:, 1], line, rtol=1e-12)
    middle = plane[1, 1]
    cross = plane[2, 2] + plane[0, 0] - plane[2, 0] - plane[0, 2]
    corner = plane[2, 1] + plane[1, 2] - middle + cross / 4
    assert plane[2, 2] == pytest.approx(corner)


def test_the_middle_is_the_loss():
    subject = convolutional()
    found = of(subject, steps=3).details
    with measured(subject.model):
        assert found[1] == Surface(subject, subject.train).loss()


def test_an_even_number_of_steps_has_no_middle():
    with pytest.raises(ValidationError, match="odd"):
        measures.get("slices")(steps=4)


def test_the_gap_by_counting():
    """In training three of four right, sure of each; on test images two of four."""
    sure = 10.0
    logits = sure * torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1]]
    subject = told(logits, torch.tensor([0, 0, 1, 0]))
    tested = told(logits, torch.tensor([0, 1, 1, 0]))
    both = replace(subject, test=tested.test)
    with measured(both.model):
        found = measures.get("generalisation")().of(both)
    assert found["train_accuracy"] == 0.75
    assert found["accuracy_gap"] == pytest.approx(25.0)
    assert found["loss_gap"] == pytest.approx(sure / 4)  # one more is wrong, by `sure` nats
