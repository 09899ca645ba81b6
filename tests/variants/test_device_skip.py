"""Fused base optimizers skip on the device: the same weights and states as if the host had asked.

Fused kernels exist on the CPU too, so that this is tested without a GPU.
"""

import pytest
import torch
from torch import nn

import variants
from variants.driver.descent import Descent

NAMES = [n for n in variants.names() if n != "sampa"]  # works after the step: the host asks
FUSED = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
}


def normed() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


def run(training, name, base, *, scaled):
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10) if scaled else None
    t = training(name, dtype=torch.float64, model=normed(), base=FUSED[base], scaler=scaler)
    return t.step(4)


@pytest.mark.parametrize(("base", "scaled"), [("sgd", False), ("adamw", True)])
@pytest.mark.parametrize("name", NAMES)
def test_equals_asking_the_host(name, base, scaled, training, settings, monkeypatch):
    asked = run(training, name, base, scaled=scaled)
    monkeypatch.setattr(Descent, "waits", lambda self, device: False)
    t = run(training, name, base, scaled=scaled)
    assert t.opt.skipped == asked.opt.skipped == 0 and t.opt.passes == asked.opt.passes
    mine, wanted = (settings.flat(o.model.state_dict()) for o in (t, asked))
    assert all(torch.equal(v, wanted[k]) for k, v in mine.items())


@pytest.mark.parametrize(("base", "scaled"), [("sgd", True), ("adamw", False)])
@pytest.mark.parametrize("name", NAMES)
def test_a_skip_changes_nothing(name, base, scaled, training, settings, monkeypatch):
    monkeypatch.setattr(Descent, "waits", lambda self, device: False)
    t = run(training, name, base, scaled=scaled)
    memory = {**t.model.state_dict(), **_optimizer(t, settings)}
    before = {k: v.clone() for k, v in memory.items()}
    t.opt.step(lambda r: t.losses(r) * float("nan"), size=8)
    after = {**t.model.state_dict(), **_optimizer(t, settings)}
    assert t.opt.skipped == 1
    assert [k for k, v in before.items() if not torch.equal(v, after[k])] == []


def _optimizer(t, settings):
    saved = t.opt.state_dict()
    return settings.flat({"base": saved["state"], "state": saved["sharpness"]["state"] or {}})


def test_only_fused_optimizers_on_an_accelerator_are_not_asked_for():
    p = [nn.Parameter(torch.zeros(1))]
    fused, plain = Descent(FUSED["adamw"](p), None, None), Descent(torch.optim.SGD(p), None, None)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert [d.waits(device) for d in (fused, plain) for device in (cuda, cpu)] == [
        False,
        True,
        True,
        True,
    ]


def test_the_host_is_asked_about_the_step_that_makes_the_momentum():
    """A kernel that skips it would leave it unwritten."""
    p = nn.Parameter(torch.zeros(1))
    descent = Descent(FUSED["sgd"]([p]), None, None)
    assert descent.waits(torch.device("cuda"))
    p.grad = torch.zeros(1)
    descent.base.step()
    assert not descent.waits(torch.device("cuda"))
