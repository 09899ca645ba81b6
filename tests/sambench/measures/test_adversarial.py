"""Attacks on a linear model, where the best attack is known."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sambench.measures import Pixels, Subject, measured, measures
from sambench.tasks import Classification

TWO, AS_THEY_ARE = Classification(("less", "more")), Pixels(torch.zeros(1), torch.ones(1))
W = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)


class Linear(nn.Module):
    """Class 1 where W.x > 0.9."""

    def __init__(self, hides: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(W.clone())
        self.hides = hides

    def forward(self, x: Tensor) -> Tensor:
        found = x.flatten(1) @ self.weight - 0.9
        if self.hides:  # its gradient, but at images of whole grey levels
            levels = 255 * x.flatten(1)
            whole = (levels - levels.round()).abs().amax(1) < 1e-6
            found = torch.where(whole, found, found.detach())
        return torch.stack([-found, found], 1)


def subject(*, hides: bool = False) -> Subject:
    generator = torch.Generator().manual_seed(0)
    x = 0.3 + 0.4 * torch.rand(200, 1, 2, 2, generator=generator, dtype=torch.float64)
    x = (255 * x).round() / 255
    y = (x.flatten(1) @ W > 0.9).long()
    batches = [(x[:128], y[:128]), (x[128:], y[128:])]
    return Subject(Linear(hides), batches, batches, TWO, AS_THEY_ARE)


def of(subject: Subject, **settings: Any) -> dict[str, float]:
    with measured(subject.model):
        return dict(measures.get("adversarial")(**settings).of(subject))


def beyond(margin: float) -> float:
    """The share of images whose margin no attack of this reach takes."""
    x = torch.cat([x for x, _ in subject().test]).flatten(1)
    return float(((x @ W - 0.9).abs() > margin).double().mean())


def test_attacks_reach_exactly_as_far_as_their_radius():
    found = of(subject(), linf=0.05, l2=0.06, steps=20)
    linf, l2 = beyond(0.05 * float(W.abs().sum())), beyond(0.06 * float(W.norm()))
    assert 0.2 < linf < 0.9 and 0.2 < l2 < 0.9
    assert found["fgsm"] == found["pgd_linf"] == linf
    assert found["pgd_l2"] == pytest.approx(l2, abs=0.011)
    assert found["masked"] == 0


def test_pixels_stay_between_black_and_white():
    """At a radius of 1, the best that l-inf can do is a corner of the cube."""
    found = of(subject(), linf=1.0, l2=10.0, steps=5)
    assert found["fgsm"] == 0 and found["pgd_linf"] == 0


def test_hidden_gradients_are_noticed():
    """FGSM starts at the image and sees the gradient; PGD, from beside it, finds none."""
    found = of(subject(hides=True), linf=0.05, steps=3)
    assert found["fgsm"] == beyond(0.05 * float(W.abs().sum()))
    assert found["pgd_linf"] > found["fgsm"] + 0.1
    assert found["masked"] >= found["pgd_linf"] - found["fgsm"]
