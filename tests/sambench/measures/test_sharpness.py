"""Sharpness against closed forms and curvlinops."""

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sambench.measures import Subject, measured, measures
from sambench.measures.surface import Surface
from sambench.measures.testing import convolutional
from sambench.measures.testing.conformance import of_timm

CURVATURES = torch.tensor([5.0, 3.0, 1.0, 0.5, -2.0], dtype=torch.float64)


class Quadratic(nn.Module):
    """Its output is its weights, whatever the image."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        return self.weights.expand(len(x), -1)


def quadratic(weights: Tensor) -> Subject:
    """The loss is half the weights' squares times CURVATURES."""
    x, y = torch.zeros(4, 1, 2, 2), torch.zeros(4, dtype=torch.int64)
    batches = [(x[:3], y[:3]), (x[3:], y[3:])]

    target = SimpleNamespace(losses=lambda outputs, y: (CURVATURES * outputs.square() / 2).sum(1))
    return Subject(Quadratic(weights), batches, batches, target)  # pyright: ignore[reportArgumentType]


def of(name: str, subject: Subject, **settings: object) -> dict[str, float]:
    with measured(subject.model):
        return dict(measures.get(name)(**settings).of(subject))


WEIGHTS = torch.tensor([0.3, -0.2, 0.1, 1.0, 0.5], dtype=torch.float64)


def test_eigenvalues_and_trace_of_a_quadratic():
    found = of("curvature", quadratic(WEIGHTS), top=3, draws=4, tolerance=1e-9)
    eigenvalues = [found[f"hessian_eigenvalue_{i}"] for i in (1, 2, 3)]
    assert eigenvalues == pytest.approx([5, 3, 1], rel=1e-9)
    assert found["hessian_trace"] == pytest.approx(float(CURVATURES.sum()), rel=1e-9)  # diagonal


def test_curvature_is_that_of_curvlinops():
    subject = convolutional()
    with warnings.catch_warnings(), measured(subject.model):
        warnings.simplefilter("ignore")
        curvlinops = pytest.importorskip("curvlinops")

        class Normalised(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = subject.model

            def forward(self, x: Tensor) -> Tensor:
                return self.model((x - 0.5) / 0.25)

        criterion = nn.CrossEntropyLoss(reduction="mean")
        operator = curvlinops.HessianLinearOperator(
            Normalised(), criterion, subject.parameters, list(subject.train)
        )
        matrix = (operator @ torch.eye(operator.shape[1], dtype=torch.float64)).numpy()
        found = of("curvature", subject, top=3, draws=2, tolerance=1e-10)
        sizes = [p.numel() for p in subject.parameters]
        for row in (0, 7, sum(sizes) - 1):
            unit = torch.eye(sum(sizes), dtype=torch.float64)[row].split(sizes)
            like = [u.view_as(p) for u, p in zip(unit, subject.parameters, strict=True)]
            product = Surface(subject, subject.train).hessian_times(like)
            ours = torch.cat([each.flatten() for each in product]).numpy()
            np.testing.assert_allclose(ours, matrix[row], rtol=1e-6, atol=1e-12)
    wanted = np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1][:3]
    assert [found[f"hessian_eigenvalue_{i}"] for i in (1, 2, 3)] == pytest.approx(wanted, rel=1e-6)
    near = of("curvature", subject, draws=100)["hessian_trace"]
    assert near == pytest.approx(float(matrix.trace()), rel=0.3)


def test_ascent_on_a_quadratic():
    gradient = CURVATURES * WEIGHTS
    norm = float(gradient.norm())
    found = of("ascent", quadratic(WEIGHTS), rho=0.1, steps=100)
    offset = 0.1 * gradient / norm
    one = float(gradient @ offset + (CURVATURES * offset.square()).sum() / 2)
    assert found["ascent_first_order"] == pytest.approx(0.1 * norm, rel=1e-12)
    assert found["ascent_one_step"] == pytest.approx(one, rel=1e-9)
    assert found["ascent_worst"] == pytest.approx(_worst(gradient, 0.1), rel=1e-3)
    assert found["ascent_worst"] < _worst(gradient, 0.1)


def _worst(gradient: Tensor, rho: float) -> float:
    """max g.d + d.Ad / 2 over |d| = rho: d = (m - A)^-1 g, with m above the largest eigenvalue."""
    low, high = float(CURVATURES.max()) + 1e-12, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        too_long = float((gradient / (middle - CURVATURES)).norm()) > rho
        low, high = (middle, high) if too_long else (low, middle)
    d = gradient / (high - CURVATURES)
    return float(gradient @ d + (CURVATURES * d.square()).sum() / 2)


def test_ascent_where_the_gradient_is_zero():
    found = of("ascent", quadratic(torch.zeros(5, dtype=torch.float64)))
    assert set(found.values()) == {0.0}


def test_random_directions_on_a_quadratic():
    """On the sphere of radius rho, E d.Ad / 2 is rho^2 trace / (2 n)."""
    found = of("random_perturbation", quadratic(0 * WEIGHTS), rho=0.5, draws=1000)
    assert found["random_rise"] == pytest.approx(0.25 * float(CURVATURES.sum()) / 10, rel=0.2)


def test_adaptive_average_on_a_quadratic():
    """d = sigma |w| z: E d.Ad / 2 is sigma^2 sum A w^2 / 2, the mean loss times sigma^2."""
    found = of("adaptive_sharpness", quadratic(WEIGHTS), sigma=0.3, draws=1000)
    loss = float((CURVATURES * WEIGHTS.square()).sum() / 2)
    assert found["adaptive_average"] == pytest.approx(0.09 * loss, rel=0.5)


def test_adaptive_sharpness_does_not_change_as_layers_are_rescaled():
    subject = convolutional()
    before = of("adaptive_sharpness", subject, draws=3, steps=3)
    plain = of("ascent", subject)
    with (
        torch.no_grad()
    ):  # BatchNorm's output times 3, into ReLU, pooling and a third of the weights
        subject.model[1].weight.mul_(3)
        subject.model[1].bias.mul_(3)
        subject.model[6].weight.div_(3)
    assert of("adaptive_sharpness", subject, draws=3, steps=3) == pytest.approx(before, rel=1e-9)
    assert of("ascent", subject)["ascent_worst"] != pytest.approx(plain["ascent_worst"], rel=0.01)


def test_worst_rises_are_not_below_those_of_one_step():
    found = of("ascent", convolutional(), rho=0.3)
    assert found["ascent_worst"] >= found["ascent_one_step"]
    assert math.isclose(found["ascent_first_order"], found["ascent_one_step"], rel_tol=0.5)


def test_products_of_a_transformer_are_differences_of_its_gradient():
    """timm's test_vit, whose fused attention cannot be differentiated twice.

    curvlinops' are 0.1% off there: those of LayerNorm's weights by 5 to 14%.
    """
    subject = of_timm("test_vit")
    subject.model.double()
    with measured(subject.model):
        surface = Surface(subject, subject.train)
        direction, near = surface.noise(9), 1e-6
        ours = torch.cat([each.flatten() for each in surface.hessian_times(direction)])
        ends = []
        for step in (near, -near):
            with surface.moved(direction, step):
                ends.append(torch.cat([each.flatten() for each in surface.gradient()]))
    wanted = (ends[0] - ends[1]) / (2 * near)
    assert float((ours - wanted).norm() / wanted.norm()) < 1e-6
