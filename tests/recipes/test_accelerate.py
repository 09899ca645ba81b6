"""SharpnessAware in an Accelerate loop: `prepare` takes the model and the data, not the optimizer.

A prepared optimizer is called once in `gradient_accumulation_steps`, and by a scaler of its own:
micro-batches are `step(..., size=, micro=)`, the scaler is handed in.
"""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import variants

accelerate = pytest.importorskip("accelerate")


def train(model, loader, *, variant="sam", epochs=3, mixed_precision="no"):
    """Losses of each epoch; in several processes, of all of them."""
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
    accelerate.state.GradientState._reset_state()


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("variant", ["sam", "esam", "looksam"])
def test_it_trains(variant, precision):
    torch.manual_seed(0)
    x = torch.randn(96, 8)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    history = train(model, loader, variant=variant, mixed_precision=precision)
    assert history[-1] < 0.9 * history[0]


def train_together(model, x, y):
    """In the order of Accelerate's examples: the optimizer is made of the bare model."""
    accelerator = accelerate.Accelerator(cpu=True)
    base = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    optimizer = variants.SharpnessAware(base, variants.create("sam"), model)
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    wrapped, loader, optimizer = accelerator.prepare(model, loader, optimizer)
    for _ in range(3):
        for inputs, labels in loader:
            optimizer.step(
                lambda a=inputs, b=labels: cross_entropy(wrapped(a), b, reduction="none")
            )
    return {n: p.detach() for n, p in model.named_parameters()}


def test_two_processes(together, m_sharpness, equal):
    """Each process has every other batch of 16, and what it prepared steps as well."""
    batches = torch.arange(96).split(16)
    rows = [[a.tolist(), b.tolist()] for a, b in zip(batches[::2], batches[1::2], strict=True)]
    equal(together("accelerate"), m_sharpness(rows))


def test_accumulation_that_drops_batches_is_refused():
    torch.manual_seed(0)
    model = nn.Linear(8, 2)
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=3)
    base = torch.optim.SGD(model.parameters(), lr=0.3)
    model, optimizer = accelerator.prepare(
        model, variants.SharpnessAware(base, variants.create("sam"), model)
    )
    x, y = torch.randn(6, 4, 8), torch.zeros(6, 4, dtype=torch.long)
    with pytest.raises(ValueError, match=r"gradient_accumulation_steps=3: .*step\(closure, size="):
        for a, b in zip(x, y, strict=True):
            with accelerator.accumulate(model):
                optimizer.step(lambda a=a, b=b: cross_entropy(model(a), b, reduction="none"))


def test_a_prepared_optimizer_of_fp16_is_told_of_the_scaler():
    model = nn.Linear(8, 2)
    accelerator = accelerate.Accelerator(cpu=True)
    base = torch.optim.SGD(model.parameters(), lr=0.3)
    optimizer = accelerate.optimizer.AcceleratedOptimizer(
        variants.SharpnessAware(base, variants.create("sam"), model),
        scaler=torch.amp.GradScaler("cpu"),
    )
    optimizer.scaler.scale(torch.ones(()))
    assert accelerator.sync_gradients
    with pytest.raises(ValueError, match=r"scaler=accelerator\.scaler, and prepare all but this"):
        optimizer.step(lambda: model(torch.randn(4, 8)).square().mean())
