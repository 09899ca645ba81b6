"""Rules that select rows keep two where BatchNorm needs them, else as few as they say."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import variants

RULES = {
    "esam": {"rho": 0.1},
    "k_sam": {"gamma": 0.25},
    "m_sam": {"size": 3},  # of four rows, one is left
}


def stepped(norm: type[nn.Module], name: str) -> list[int]:
    """Sizes of the selections that a step on four rows makes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), norm(6), nn.Linear(6, 3))
    x, y = torch.randn(4, 4), torch.arange(4) % 3
    base = torch.optim.SGD(model.parameters(), lr=0.1)
    opt = variants.SharpnessAware(base, variants.create(name, **RULES[name]), model)
    sizes = []

    def losses(rows):
        sizes.append(len(x[rows]))
        return cross_entropy(model(x[rows]), y[rows], reduction="none")

    assert torch.isfinite(opt.step(losses, size=4)).all()
    return sizes


@pytest.mark.parametrize("name", RULES)
def test_under_batchnorm(name):
    assert min(stepped(nn.BatchNorm1d, name)) >= 2


@pytest.mark.parametrize("name", RULES)
def test_without_it_a_single_row_will_do(name):
    assert min(stepped(nn.LayerNorm, name)) == 1
