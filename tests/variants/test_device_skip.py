"""Fused base optimizers skip on the device: the same weights and states as if the host had asked.

Fused kernels exist on the CPU too, so that this is tested without a GPU.
"""

import pytest
import torch
from torch import nn

import variants
from variants._descent import Descent

NAMES = [n for n in variants.names() if n != "sampa"]  # works after the step: the host asks
FUSED = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
}
BAD_STEP = 3


def normed() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


def run(training, name, base, *, scaled, bad):
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10) if scaled else None
    t = training(name, dtype=torch.float64, model=normed(), base=FUSED[base], scaler=scaler)
    for step in range(5):
        factor = float("inf") if bad and step == BAD_STEP else 1.0
        t.opt.step(lambda r, s=step, f=factor: t.losses(r, s) * f, size=8)
    return t


@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("base", FUSED)
@pytest.mark.parametrize("name", NAMES)
def test_equals_asking_the_host(name, base, scaled, bad, training, settings, monkeypatch):
    asked = run(training, name, base, scaled=scaled, bad=bad)
    monkeypatch.setattr(Descent, "waits", lambda self, device: False)
    t = run(training, name, base, scaled=scaled, bad=bad)
    assert t.opt.skipped == asked.opt.skipped == bad
    assert t.opt.steps == 5 == asked.opt.steps + bad
    if bad:
        return after_a_skip(t, asked, settings)
    mine, wanted = (settings.flat(o.model.state_dict()) for o in (t, asked))
    assert all(torch.equal(v, wanted[k]) for k, v in mine.items())


def after_a_skip(t, asked, settings):
    """Noise and phases count the skipped step, so that only the skip itself can be compared."""
    assert t.moved().isfinite().all()
    assert t.model[1].num_batches_tracked == asked.model[1].num_batches_tracked == 4
    assert all(
        v.isfinite().all() for v in settings.flat(t.opt.state_dict()["sharpness"]["state"]).values()
    )


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("base", FUSED)
@pytest.mark.parametrize("name", NAMES)
def test_a_skip_changes_nothing(name, base, scaled, training, settings, monkeypatch):
    monkeypatch.setattr(Descent, "waits", lambda self, device: False)
    t = run(training, name, base, scaled=scaled, bad=False)
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
    fused, plain = Descent(FUSED["sgd"](p), None, None), Descent(torch.optim.SGD(p), None, None)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert [d.waits(device) for d in (fused, plain) for device in (cuda, cpu)] == [
        False,
        True,
        True,
        True,
    ]
