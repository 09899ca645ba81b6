"""SharpnessAware in an Accelerate loop: `prepare` takes the model and the data, not the optimizer.

A prepared optimizer is called once in `gradient_accumulation_steps`, and by a scaler of its own:
micro-batches are `step(..., size=, micro=)`, the scaler is handed in. Loops that call
`accelerator.backward` themselves hold the batches of a step, and loop over `evaluations`.
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


def accumulate(accelerator, model, loader, optimizer):
    """A loop of Accelerate's with accumulation: its batches are held until a step is due."""
    batches = []
    for batch in loader:
        batches.append(batch)
        if len(batches) < accelerator.gradient_accumulation_steps and not loader.end_of_dataloader:
            continue
        for x, y in optimizer.optimizer.evaluations(parts=batches):  # in Accelerate's wrapper
            loss = cross_entropy(model(x), y)
            accelerator.backward(loss)
        optimizer.step()  # has been taken: Accelerate counts it
        optimizer.zero_grad()
        batches = []


@pytest.mark.parametrize("mixed_precision", ["no", "bf16"])
def test_accumulation_is_the_loop_by_hand(mixed_precision, by_hand, same):
    """And resumes. In bf16 the last bit of w + e may round a weight to its neighbour."""
    torch.manual_seed(0)
    dtype = torch.float64 if mixed_precision == "no" else torch.float32
    made = [nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2)) for _ in range(2)]
    model, expected = (m.to(dtype) for m in made)
    expected.load_state_dict(model.state_dict())
    x = torch.randn(72, 8, dtype=dtype)
    y = (x[:, 0] > 0).long()
    saved = None
    for part in (slice(0, 48), slice(48, 72)):
        accelerator = accelerate.Accelerator(
            cpu=True, gradient_accumulation_steps=3, mixed_precision=mixed_precision
        )
        base = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
        optimizer = variants.SharpnessAware(base, variants.create("sam"), model)
        if saved is not None:
            optimizer.load_state_dict(saved)
        loader = DataLoader(TensorDataset(x[part], y[part]), batch_size=8)
        wrapped, prepared, data = accelerator.prepare(model, optimizer, loader)
        accumulate(accelerator, wrapped, data, prepared)
        saved = optimizer.state_dict()
        model = accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)
    assert saved["sharpness"]["steps"] == 3
    base = torch.optim.SGD(expected.parameters(), lr=0.3, momentum=0.9)
    for step in torch.arange(72).split(24):

        def loss(step=step):
            for rows in step.split(8):
                with torch.autocast("cpu", enabled=mixed_precision == "bf16"):
                    logits = expected(x[rows])
                (cross_entropy(logits.to(dtype), y[rows]) / 3).backward()

        by_hand(base, loss)
    same(model, expected, 1e-10 if mixed_precision == "no" else 2e-3)


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
