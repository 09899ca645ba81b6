"""Learning-rate schedulers of torch and timm attach to the driver and move the base's rate."""

import pytest
import timm.scheduler
import torch
from torch import nn
from torch.optim import lr_scheduler as torch_lr

from variants import Update

SCHEDULERS = {
    "cosine": lambda opt: torch_lr.CosineAnnealingLR(opt, T_max=6),
    "one cycle": lambda opt: torch_lr.OneCycleLR(opt, max_lr=0.3, total_steps=8),
    "step": lambda opt: torch_lr.StepLR(opt, 2, gamma=0.5),
    "sequence": lambda opt: torch_lr.SequentialLR(
        opt,
        [torch_lr.LinearLR(opt, 0.1, total_iters=2), torch_lr.ExponentialLR(opt, 0.5)],
        milestones=[2],
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("reload", [False, True])
def test_torch(name, reload, task, differing):
    """Warnings are errors here: torch warns when it misses `optimizer.step` calls."""
    t, u = task(), task()
    opt, base = t.driver("plain"), u.sgd()
    on_driver, on_base = SCHEDULERS[name](opt), SCHEDULERS[name](base)
    rates = []
    for i in range(6):
        opt.step(t.losses)
        on_driver.step()
        base.zero_grad()
        u.mean().backward()
        base.step()
        on_base.step()
        if reload and i == 2:
            opt.load_state_dict(opt.state_dict())
        rates.append(opt.base.param_groups[0]["lr"])
        assert rates[-1] == base.param_groups[0]["lr"]
    assert len(set(rates)) > 2
    assert differing(t.weights(), u.weights()) == []


def test_plateau(task):
    t = task()
    opt = t.driver("sam")
    scheduler = torch_lr.ReduceLROnPlateau(opt, patience=0, factor=0.5)
    for _ in range(3):
        scheduler.step(1.0)
    assert opt.base.param_groups[0]["lr"] == 0.025


def test_timm(task):
    t = task()
    opt = t.driver("sam", t.sgd(lr=0.4))
    scheduler, _ = timm.scheduler.create_scheduler_v2(
        opt, sched="cosine", num_epochs=6, warmup_epochs=2, warmup_lr=1e-3
    )
    rates = [opt.base.param_groups[0]["lr"]]
    for epoch in range(1, 6):
        opt.step(t.losses)
        scheduler.step(epoch)
        rates.append(opt.base.param_groups[0]["lr"])
    assert rates[0] == 1e-3 and rates[2] > rates[3] > rates[5] > 0
    w = t.weights()
    scheduler.optimizer.param_groups[0]["lr"] = 0.0
    opt.step(t.losses)
    assert all(torch.equal(p, w[n]) for n, p in t.weights().items())


def test_step_hooks_of_torch_run_once_a_step(task):
    t, ran = task(), []
    opt = t.driver("sam")
    opt.register_step_post_hook(lambda *_: ran.append("driver"))
    opt.base.register_step_post_hook(lambda *_: ran.append("base"))
    opt.step(t.losses)
    assert ran == ["base", "driver"]


@pytest.mark.parametrize("base", ["sgd", "foreach nesterov"])
def test_clipping_in_a_pre_hook_of_the_base(base, task, probe, differing):
    """It clips the direction the base steps with, and neither the metrics nor the state."""
    t, u = task(), task()
    nesterov = {} if base == "sgd" else {"nesterov": True, "foreach": True}
    opt, free = t.driver("tensor_sum_sam", t.sgd(**nesterov)), u.driver("tensor_sum_sam", u.sgd())
    clipped = []

    def clip(optimizer, args, kwargs):
        held = list(t.model.parameters())
        clipped.append(nn.utils.clip_grad_norm_(held, 1e-3))
        clipped.append(torch.cat([p.grad.flatten() for p in held]).norm())

    opt.base.register_step_pre_hook(clip)
    opt.step(t.losses)
    free.step(u.losses)
    assert float(clipped[0]) > 0.1 and float(clipped[1]) == pytest.approx(1e-3, rel=1e-3)
    assert differing(opt.last, free.last) == []


@pytest.mark.parametrize("how", ["clip", "foreach nesterov"])
def test_the_base_may_write_into_grad_without_harm(how, task, probe):
    """State that shares tensors with the direction stays as the rule made it."""
    t = task()
    base = (
        t.sgd(nesterov=True, foreach=True, weight_decay=0) if how == "foreach nesterov" else t.sgd()
    )
    if how == "clip":
        base.register_step_pre_hook(lambda *_: nn.utils.clip_grad_value_(t.model.parameters(), 0.0))
    kept = []

    def rule(oracle, state):
        g = oracle.grad().grads
        kept.append((g, {n: v.clone() for n, v in g.items()}))
        return Update(g), {"g": g}

    opt = t.driver(probe(rule=rule, start=lambda p: {"g": {n: v * 0 for n, v in p.items()}}), base)
    for _ in range(2):
        opt.step(t.losses)
    assert all(torch.equal(g[n], c[n]) for g, c in kept for n in g)
