"""Without a collector: what is deleted is gone at once, as a plain torch optimizer is."""

import gc
import weakref
from contextlib import contextmanager, suppress

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants
from variants.driver.descent import Descent
from variants.testing.tape import Tape


@contextmanager
def uncollected():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


RULES = ["plain", "sam", "looksam", "sampa", "m_sam", "rst", "momentum_sam"]


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("variant", RULES)
def test_a_driver_and_its_model(variant, replay, task):
    t = task(normed)
    opt = t.driver(variant, options={"replay": replay, "total_steps": 9})
    with uncollected():
        for _ in range(3):
            opt.step(t.losses)
        opt.load_state_dict(opt.state_dict())
        opt.step(t.losses, size=8, micro=4)
        with suppress(ZeroDivisionError):
            opt.step(lambda: 1 / 0)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(opt, 0.9)
        opt.step(t.losses)
        scheduler.step()
        parts = [weakref.ref(o) for o in (opt, opt.base, t.model, t.model[0].weight)]
        del opt, scheduler, t
        assert [ref() for ref in parts] == [None] * 4


def test_a_model_outlives_its_driver_without_a_hook(task):
    t = task(normed)
    opt = t.driver("sam")
    opt.step(t.losses)
    base, gone = opt.base, weakref.ref(opt)
    with uncollected():
        del opt
        assert gone() is None
    base.load_state_dict(base.state_dict())


@pytest.mark.parametrize("variant", RULES)
def test_graphed_steps(variant, monkeypatch):
    monkeypatch.setattr(Descent, "waits", lambda self, device: not self.base.state)
    x, y = torch.randn(8, 4), torch.randint(3, (8,))
    model = normed()
    base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    opt = variants.SharpnessAware(base, variants.create(variant), model)

    def losses(x, y, model=model):
        return F.cross_entropy(model(x), y, reduction="none")

    step = variants.Graphed(opt, losses, recorder=Tape)
    with uncollected():
        for _ in range(4):
            step(x, y)
        opt.load_state_dict(opt.state_dict())
        step(x, y)
        parts = [weakref.ref(o) for o in (step, opt, base, model)]
        del step, opt, base, losses, model
        assert [ref() for ref in parts] == [None] * 4
