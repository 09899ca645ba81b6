"""SharpnessAware in an Accelerate loop: prepare the model and the data, and step by itself."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import variants

accelerate = pytest.importorskip("accelerate")


def train(model, loader, *, variant="sam", epochs=3, mixed_precision="no"):
    """Losses of each epoch. Under several processes the prepared model is a DDP one: hand it in."""
    accelerator = accelerate.Accelerator(mixed_precision=mixed_precision, cpu=True)
    model, loader = accelerator.prepare(model, loader)
    base = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    optimizer = variants.SharpnessAware(
        base, variants.create(variant), model, scaler=accelerator.scaler
    )
    history = []
    for _ in range(epochs):
        total = 0.0
        for x, y in loader:

            def losses(rows, x=x, y=y):
                return cross_entropy(model(x[rows]), y[rows], reduction="none")

            total += float(accelerator.gather(optimizer.step(losses, size=len(y))).mean())
        history.append(total / len(loader))
    return history


@pytest.fixture(autouse=True)
def another_program():
    """Accelerate's settings are those of the whole process, once made."""
    yield
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("variant", ["sam", "esam", "looksam"])
def test_it_trains(variant, precision):
    torch.manual_seed(0)
    x = torch.randn(96, 8)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    history = train(model, loader, variant=variant, mixed_precision=precision)
    assert history[-1] < 0.9 * history[0]
