"""Autocast, GradScaler and low-precision weights, for every variant against plain float32."""

import pytest
import torch

import variants
from variants import Update
from variants.core import ops

NAMES = variants.names()
STEPS = 4
ROUNDED = 0.15  # relative to the way of 4 steps, with 8 bits in every layer
DIFFERENCES = {"cr_sam", "eigen_sam", "frob_sam", "gam", "trace_sam"}  # of nearby evaluations


def autocast(dtype):
    def wrap(f):
        def closure(rows):
            with torch.autocast("cpu", dtype):
                return f(rows)

        return closure

    return wrap


def scaler(scale=2.0**10) -> torch.amp.GradScaler:
    return torch.amp.GradScaler("cpu", init_scale=scale)


def close(t, exact, name, settings):
    assert t.opt.skipped == 0 and t.moved().isfinite().all()
    if name not in DIFFERENCES:
        assert settings.gap(t.moved(), exact.moved()) < ROUNDED


@pytest.mark.parametrize("name", NAMES)
def test_bf16_autocast_inside_the_closure_and_around_the_step(name, training, settings):
    t, u, exact = training(name), training(name), training(name)
    t.step(STEPS, autocast(torch.bfloat16))
    with torch.autocast("cpu", torch.bfloat16):
        u.step(STEPS)
    assert all(torch.equal(p, u.weights()[n]) for n, p in t.weights().items())
    close(t, exact.step(STEPS), name, settings)


@pytest.mark.parametrize("name", NAMES)
def test_fp16_autocast_with_a_scaler(name, training, settings):
    t, exact = training(name, scaler=scaler()), training(name)
    t.step(STEPS, autocast(torch.float16))
    close(t, exact.step(STEPS), name, settings)


@pytest.mark.parametrize("name", NAMES)
def test_a_scale_changes_nothing(name, training, settings):
    """In float32, by a power of two: the same weights, in every bit."""
    t, exact = training(name, scaler=scaler()).step(STEPS), training(name).step(STEPS)
    assert all(torch.equal(p, exact.weights()[n]) for n, p in t.weights().items())


@pytest.mark.parametrize("name", NAMES)
def test_a_pass_that_overflows_skips_the_step_and_backs_off(name, training):
    """Whichever pass it is: w, the base optimizer's state and the variant's stay."""
    scale = scaler()
    t = training(name, scaler=scale, base=lambda p: torch.optim.AdamW(p, lr=0.01)).step(2)
    before, start = t.calls, t.weights()
    memory = _flat(t.opt.state_dict())
    t.step()
    passes = t.calls - before
    t = training(name, scaler=(scale := scaler()), base=lambda p: torch.optim.AdamW(p, lr=0.01))
    t.step(2)
    for bad in range(1, min(passes, 6) + 1):
        backed_off = scale.get_scale() / 2
        seen = []

        def overflow(f, bad=bad, seen=seen):
            def closure(rows):
                seen.append(rows)
                return f(rows) * (float("inf") if len(seen) == bad else 1.0)

            return closure

        t.step(1, overflow)
        assert scale.get_scale() == backed_off and t.opt.skipped == bad and t.opt.steps == 2
        assert all(torch.equal(p, start[n]) for n, p in t.weights().items())
        assert _same(_flat(t.opt.state_dict()), memory)
    t.step()
    assert t.opt.steps == 3 and t.moved().isfinite().all()


def _flat(value, path=""):
    if isinstance(value, dict):
        value.pop("skipped", None), value.pop("passes", None)
        return {k: v for n, x in value.items() for k, v in _flat(x, f"{path}/{n}").items()}
    return {path: value.clone() if isinstance(value, torch.Tensor) else value}


def _same(a, b):
    return a.keys() == b.keys() and all(
        torch.equal(v, b[k]) if isinstance(v, torch.Tensor) else v == b[k] for k, v in a.items()
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", NAMES)
def test_low_precision_weights(name, dtype, training, settings):
    """Norms are float32 and no factor meets half precision; w comes back in every bit."""
    t = training(name, dtype=dtype, lr=0.0)
    t.step(STEPS)
    assert t.opt.skipped == 0 and not t.moved().any()
    noise = {"noise": settings.constant}
    t, exact = training(name, dtype=dtype, lr=0.5, **noise), training(name, lr=0.5, **noise)
    last, wanted = t.step().opt.last, exact.step().opt.last
    for key in ("grad_norm", "grad_norm_perturbed"):
        assert last[key].dtype == torch.float32
        if name not in DIFFERENCES:
            assert float(last[key]) == pytest.approx(float(wanted[key]), rel=0.05, nan_ok=True)
    t.step(STEPS)
    assert t.opt.skipped == 0 and t.moved().isfinite().all() and t.moved().any()
    assert all(p.dtype == dtype for p in t.weights().values())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_norm_below_half_precision_is_no_zero(dtype):
    tree = {"a": torch.full((4,), 2.0**-12, dtype=dtype), "b": torch.zeros(2, dtype=dtype)}
    e = ops.ball(tree, 0.5)
    assert ops.norm(tree).dtype == torch.float32 and ops.norm(tree) == 2.0**-11
    assert e["a"].dtype == dtype and torch.allclose(e["a"].float(), torch.tensor(0.25), rtol=1e-2)
    assert not ops.ball({"b": tree["b"]}, 0.5)["b"].any()
    tiny = {"a": torch.full((4,), 6e-8, dtype=dtype)}  # 1 / norm is beyond the largest half
    assert torch.allclose(ops.ball(tiny, 0.5)["a"].float(), torch.tensor(0.25), rtol=1e-2)


def test_rule_and_base_optimizer_compute_outside_autocast(training, probe):
    """Else a rule's matrix products, or those of Muon and Shampoo, lose digits unasked."""
    seen = []

    def rule(oracle, state):
        seen.append((torch.eye(2) @ torch.eye(2)).dtype)
        return Update(oracle.grad().grads), state

    t = training(probe(rule=rule))
    t.opt.base.register_step_pre_hook(lambda *_: seen.append((torch.eye(2) @ torch.eye(2)).dtype))
    inner = []
    with torch.autocast("cpu", torch.bfloat16):
        t.step(1, lambda f: lambda r: inner.append(t.model.first(t.x[0]).dtype) or f(r))
        assert (torch.eye(2) @ torch.eye(2)).dtype == torch.bfloat16
    assert seen == [torch.float32] * 2 and inner == [torch.bfloat16]
