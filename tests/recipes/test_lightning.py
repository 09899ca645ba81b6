"""SharpnessAware in a Lightning module: manual optimization, because a step has several passes.

As it is for any number of processes: with strategy="ddp" the closure may run the module itself.
"""

import os

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import variants

lightning = pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Lightning, about workers and loggers


class Classifier(lightning.LightningModule):
    def __init__(self, variant: str) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.variant = variant
        self.model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.history = []

    def training_step(self, batch, index):
        x, y = batch
        optimizer = self.optimizers()  # Lightning's wrapper: it counts steps, and calls back

        def losses():  # no rows get through it; variants that select some: optimizer.optimizer.step
            return cross_entropy(self.model(x), y, reduction="none")

        self.history.append(optimizer.step(losses, size=len(y)).mean())

    def on_train_epoch_end(self):
        self.lr_schedulers().step()

    def configure_optimizers(self):
        base = torch.optim.SGD(self.parameters(), lr=0.3, momentum=0.9)
        optimizer = variants.SharpnessAware(base, variants.create(self.variant), self)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)]


@pytest.mark.parametrize("variant", ["sam", "asam", "looksam"])
def test_it_trains_and_resumes(variant, tmp_path):
    torch.manual_seed(0)
    x = torch.randn(96, 8)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=32)

    def trainer(epochs):
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            default_root_dir=tmp_path,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    first = Classifier(variant)
    run = trainer(4)
    run.fit(first, loader)
    assert run.global_step == 12 and first.history[-1] < 0.9 * first.history[0]
    run.save_checkpoint(tmp_path / "last.ckpt")
    second = Classifier(variant)
    trainer(6).fit(second, loader, ckpt_path=tmp_path / "last.ckpt")
    assert second.optimizers().optimizer.steps == 18


def test_one_process_is_the_loop_by_hand(by_hand, same):
    """With its schedule, and with what Lightning calls around a step."""
    torch.manual_seed(0)
    module, expected = Classifier("sam").double(), Classifier("sam").double()
    expected.load_state_dict(module.state_dict())
    x = torch.randn(96, 8).double()
    y = (x[:, 0] > 0).long()
    quiet(max_epochs=3).fit(module, DataLoader(TensorDataset(x, y), batch_size=32))
    base = torch.optim.SGD(expected.parameters(), lr=0.3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(base, T_max=6)
    for _ in range(3):
        for a, b in zip(x.split(32), y.split(32), strict=True):
            by_hand(base, lambda a=a, b=b: cross_entropy(expected.model(a), b).backward())
        schedule.step()
    same(module, expected)


class Looping(Classifier):
    """Where `manual_backward` is to be called, as Lightning's plug-ins want it."""

    def training_step(self, batch, index):
        x, y = batch
        optimizer = self.optimizers()
        for rows in optimizer.optimizer.evaluations(len(y)):
            loss = cross_entropy(self.model(x[rows]), y[rows])
            self.manual_backward(loss)
        optimizer.step()  # has been taken: Lightning counts it


def test_manual_backward(by_hand, same):
    torch.manual_seed(0)
    module, expected = Looping("sam").double(), Classifier("sam").double()
    expected.load_state_dict(module.state_dict())
    x = torch.randn(96, 8).double()
    y = (x[:, 0] > 0).long()
    for model in (module, expected):
        trainer = quiet(max_epochs=3)
        trainer.fit(model, DataLoader(TensorDataset(x, y), batch_size=32))
        assert trainer.global_step == 9
    same(module, expected, 1e-12)


def quiet(**options):
    return lightning.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def train_together(model, x, y):
    module = Classifier("sam").double()
    module.model = model
    module.on_train_epoch_end = lambda: None  # at one rate
    data = TensorDataset(x, y)
    mine = DistributedSampler(data, 2, int(os.environ["RANK"]), shuffle=False)
    options = {"strategy": "ddp", "devices": 2, "use_distributed_sampler": False}
    quiet(max_epochs=3, **options).fit(module, DataLoader(data, batch_size=16, sampler=mine))
    return {n: p.detach() for n, p in model.named_parameters()}


@pytest.mark.slow
def test_two_processes(together, m_sharpness, equal):
    """Process r has the rows r, r + 2, ... of the data."""
    batches = torch.arange(96).view(3, 16, 2)
    equal(together("lightning"), m_sharpness([step.T.tolist() for step in batches]))


class Automatic(Classifier):
    def __init__(self) -> None:
        super().__init__("sam")
        self.automatic_optimization = True

    def training_step(self, batch, index):
        x, y = batch
        return cross_entropy(self.model(x), y)


class Forgetful(Classifier):
    def training_step(self, batch, index):
        self.optimizers().step()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Automatic(), "automatic_optimization = False and call self.optimizers"),
        (Forgetful("sam"), "got NoneType: return the losses from it"),
    ],
)
def test_what_cannot_work_says_what_to_do(module, message):
    x = torch.randn(8, 8)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=4)
    with pytest.raises(ValueError, match=message):
        quiet(max_epochs=1).fit(module, loader)


def test_fabric_hands_a_closure_on():
    """As a loop without it; `step()` alone, after `fabric.backward`, says what it needs."""
    fabric = lightning.Fabric(accelerator="cpu")
    x = torch.randn(12, 8)
    y = (x[:, 0] > 0).long()
    models = [nn.Linear(8, 2), nn.Linear(8, 2)]
    models[1].load_state_dict(models[0].state_dict())
    bases = [torch.optim.SGD(m.parameters(), lr=0.3) for m in models]
    mine, bare = (
        variants.SharpnessAware(base, variants.create("sam"), m)
        for base, m in zip(bases, models, strict=True)
    )
    wrapped, optimizer = fabric.setup(models[0], mine)
    for _ in range(3):
        optimizer.step(lambda: cross_entropy(wrapped(x), y))
        bare.step(lambda: cross_entropy(models[1](x), y))
    assert torch.equal(models[0].weight, models[1].weight)
    with pytest.raises(
        TypeError, match=r"in Fabric and Accelerate call optimizer\.step\(closure\)"
    ):
        optimizer.step()


class WithLoss(nn.Module):
    """What Fabric wraps returns float32: a loss of its own leaves gradients in float64."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, x, y):
        return cross_entropy(self.layers(x), y)


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_fabric_calls_backward(precision, by_hand, same):
    """`fabric.backward` in the body; resumed from the optimizer's state in mid-run."""
    fabric = lightning.Fabric(accelerator="cpu", precision=precision)
    dtype = torch.float64 if precision == "64-true" else torch.float32
    torch.manual_seed(0)
    model, expected = WithLoss().to(dtype), WithLoss().to(dtype)
    expected.load_state_dict(model.state_dict())
    x = torch.randn(6, 16, 8, dtype=dtype)
    y = (x[..., 0] > 0).long()
    saved = None
    for steps in (range(3), range(3, 6)):
        base = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
        optimizer = variants.SharpnessAware(base, variants.create("sam"), model)
        if saved is not None:
            optimizer.load_state_dict(saved)
        wrapped, prepared = fabric.setup(model, optimizer)
        for i in steps:
            for _ in prepared.optimizer.evaluations():  # in Fabric's wrapper
                fabric.backward(wrapped(x[i], y[i]))
            prepared.zero_grad()
        saved = optimizer.state_dict()
    base = torch.optim.SGD(expected.parameters(), lr=0.3, momentum=0.9)
    for a, b in zip(x, y, strict=True):

        def loss(a=a, b=b):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
                value = expected(a, b)
            value.backward()

        by_hand(base, loss)
    same(model, expected, 1e-10 if precision == "64-true" else 1e-6)
