"""A GradScaler changes no weight while all is finite; an overflow in any pass skips the step."""

import pytest
import torch

from variants import Update

SKIPPED = ["/opt/sharpness/passes", "/opt/sharpness/skipped"]
VARIANTS = ["plain", "sam", "asam", "esam", "looksam", "tensor_sum_sam"]


def scaler(**options) -> torch.amp.GradScaler:
    return torch.amp.GradScaler("cpu", **({"init_scale": 2.0**10, "growth_interval": 3} | options))


@pytest.mark.parametrize("base", ["sgd", "adamw", "fused"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_weights_as_without(variant, base, task, differing):
    t, u = task(), task()

    def optimizer(p):
        return p.adamw(fused=True) if base == "fused" else getattr(p, base)()

    scale = scaler()
    opt, bare = (
        t.driver(variant, optimizer(t), options={"scaler": scale}),
        u.driver(variant, optimizer(u)),
    )
    for _ in range(7):  # the scale is a power of two, so that scaling is exact, and grows twice
        opt.step(t.losses)
        bare.step(u.losses)
    assert scale.get_scale() == 2.0**12
    assert differing(t.snapshot(opt), u.snapshot(bare)) == []


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("variant", "evaluation"), [("sam", 1), ("sam", 2), ("looksam", 1)])
def test_an_overflow_skips_and_backs_off(variant, evaluation, fused, task):
    t, scale = task(), scaler()
    opt = t.driver(variant, t.adamw(fused=fused), options={"scaler": scale})
    opt.step(t.losses)
    before = t.snapshot(opt)
    opt.step(t.nth(evaluation, lambda losses: losses * float("inf")))
    assert scale.get_scale() == 2.0**9
    assert t.changed(before, opt) == SKIPPED
    opt.step(t.losses)
    assert opt.steps == 2 and scale.get_scale() == 2.0**9


def test_an_overflow_skips_even_if_the_direction_is_finite(task, probe):
    t, scale = task(), scaler()

    def rule(oracle, state):
        oracle.grad()
        return Update(oracle.grad().grads), state

    opt = t.driver(probe(rule=rule), options={"scaler": scale})
    opt.step(t.losses)
    before = t.snapshot(opt)
    opt.step(t.nth(1, lambda losses: losses * float("inf")))
    assert scale.get_scale() == 2.0**9 and t.changed(before, opt) == SKIPPED


def test_an_overflow_that_only_the_scale_causes(task):
    t, scale = task(dtype=torch.float32), scaler(init_scale=2.0**100)
    opt = t.driver("sam", options={"scaler": scale})
    before = t.snapshot(opt)
    opt.step(lambda rows: t.losses(rows) * 1e15)
    assert scale.get_scale() == 2.0**99 and t.changed(before, opt) == SKIPPED
    while scale.get_scale() > 2.0**60 and not opt.steps:
        opt.step(lambda rows: t.losses(rows) * 1e15)
    assert opt.steps == 1


def test_every_pass_is_scaled_and_metrics_are_not(task):
    t, u = task(), task()
    opt, bare = t.driver("sam", options={"scaler": scaler()}), u.driver("sam")
    arrived = []
    t.model[0].bias.register_hook(lambda g: arrived.append(g.clone()))
    u.model[0].bias.register_hook(lambda g: arrived.append(g.clone()))
    assert torch.equal(opt.step(t.losses), bare.step(u.losses))
    assert len(arrived) == 4
    assert all(torch.equal(a, b * 2.0**10) for a, b in zip(arrived[:2], arrived[2:], strict=True))
    assert {k: float(v) for k, v in opt.last.items()} == {k: float(v) for k, v in bare.last.items()}


def test_an_exception_leaves_the_scaler_usable(task):
    t, scale = task(), scaler()
    opt = t.driver("sam", options={"scaler": scale})
    with pytest.raises(ZeroDivisionError):
        opt.step(lambda rows: 1 / 0)
    opt.step(t.losses)
    assert opt.steps == 1


def test_a_disabled_scaler_is_none(task, differing):
    t, u = task(), task()
    opt, bare = t.driver("sam", options={"scaler": scaler(enabled=False)}), u.driver("sam")
    opt.step(t.losses)
    bare.step(u.losses)
    assert differing(t.snapshot(opt), u.snapshot(bare)) == []


def test_a_scaler_that_calls_step_is_told_what_to_do(task):
    """Its scale would not be that of the passes; gradients made by hand before change nothing."""
    t, scale = task(), scaler()
    opt = t.driver("sam")
    before = t.snapshot(opt)
    scale.scale(torch.ones(()))
    with pytest.raises(ValueError, match=r"give it to SharpnessAware\(\.\.\., scaler=scaler\)"):
        scale.step(opt, t.losses)
    assert t.changed(before, opt) == []
    scale.scale(t.mean()).backward()
    scale.unscale_(opt)
    with pytest.raises(ValueError, match=r"optimizer\.step\(closure\) alone"):
        scale.step(opt)
    opt.zero_grad()
    opt.step(t.losses)
    assert opt.steps == 1
