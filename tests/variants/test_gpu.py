"""On a CUDA device: no wait for it in a step, and the same weights as on the CPU."""

import copy
import warnings
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
NAMES = variants.names()
STEPS = 4


def fused(p):
    return torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True)


@contextmanager
def no_waits():
    """Whatever waits for the device raises. Switching that on warns that it is a prototype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def run(training, name, device, **options):
    model = variants.testing.Tiny().to(device)
    t = training(name, dtype=torch.float64, model=model, base=fused, **options)
    t.x, t.y = t.x.to(device), t.y.to(device)
    return t


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_no_wait_in_a_step(name, scaled, training):
    if name == "sampa" or variants.info(name).dynamic:
        pytest.skip("declared: it waits")
    scaler = torch.amp.GradScaler("cuda") if scaled else None
    t = run(training, name, "cuda", scaler=scaler).step(STEPS)  # the first steps make buffers
    with no_waits():
        t.step(STEPS)
    assert t.opt.skipped == 0


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_cpu(name, training, settings):
    noise = {"noise": settings.constant}  # else generators of two devices
    cpu, cuda = (run(training, name, d, **noise).step(STEPS) for d in ("cpu", "cuda"))
    assert settings.gap(cuda.moved().cpu(), cpu.moved()) < 1e-8


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(name, dtype, training, settings):
    scaler = torch.amp.GradScaler("cuda") if dtype == torch.float16 else None
    t = run(training, name, "cuda", scaler=scaler)
    with torch.autocast("cuda", dtype):
        t.step(STEPS)
    assert t.moved().isfinite().all()


def test_replay_draws_the_same_masks(training):
    masks = []
    t = run(training, "sam", "cuda", replay=True)
    t.model.first.register_forward_hook(
        lambda m, args, out: masks.append(torch.nn.functional.dropout(out).ne(0))
    )
    t.step()
    assert len(masks) == 2 and torch.equal(*masks)


# --- CUDA graphs


def graphed(t):
    def losses(x, y):
        return F.cross_entropy(t.model(x), y, reduction="none")

    return variants.Graphed(t.opt, losses)


def advance(t, times, *, step=None):
    """Steps with another rate and another radius each, by graphs or by the driver."""
    for _ in range(times):
        number = t.opt.steps
        group = t.opt.param_groups[0]
        group["lr"] = (number % 5 + 1) / 64
        if hasattr(t.opt.variant, "rho"):
            group["rho"] = 0.02 * (number % 3 + 1)
        x, y = t.x[number % 16], t.y[number % 16]
        if step is not None:
            step(x, y)
        else:
            t.opt.step(lambda r, x=x, y=y: F.cross_entropy(t.model(x[r]), y[r], reduction="none"),
                       size=8)  # fmt: skip
    return t


@pytest.mark.parametrize("name", NAMES)
def test_graphs_give_the_same_weights(name, training, settings):
    eager = advance(run(training, name, "cuda"), 7)
    t = run(training, name, "cuda")
    step = graphed(t)
    advance(t, 7, step=step)
    assert step.captures > 0 and t.opt.passes == eager.opt.passes
    assert settings.gap(t.moved(), eager.moved()) < 1e-8


@pytest.mark.parametrize("name", ["sam", "looksam", "ae_sam", "sampa"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_graphs_under_autocast(name, dtype, training, settings):
    """Gradients of 8 bits, summed in any order: equal to a few of them."""

    def go(by_graph):
        scaler = torch.amp.GradScaler("cuda") if dtype == torch.float16 else None
        t = training(name, model=variants.testing.Tiny().float().cuda(), base=fused, scaler=scaler)
        t.x, t.y = t.x.cuda(), t.y.cuda()
        step = graphed(t) if by_graph else None
        with torch.autocast("cuda", dtype):
            return advance(t, 8, step=step)

    eager, t = go(False), go(True)
    assert settings.gap(t.moved(), eager.moved()) < 0.02


@pytest.mark.parametrize("name", ["sam", "asam", "random_sam"])
def test_schedules_need_no_new_graph_and_no_wait(name, training):
    t = run(training, name, "cuda")
    step = graphed(t)
    advance(t, 3, step=step)
    captures = step.captures
    with no_waits():
        advance(t, 10, step=step)
    assert step.captures == captures


@pytest.mark.parametrize("name", ["sam", "looksam", "friendly_sam", "rst", "sampa"])
def test_graphs_resume_in_the_middle(name, training, settings):
    whole, half, later = (run(training, name, "cuda") for _ in range(3))
    advance(whole, 9, step=graphed(whole))
    advance(half, 4, step=graphed(half))
    step = graphed(later)
    advance(later, 5, step=step)  # its graphs are to be forgotten
    later.model.load_state_dict(half.model.state_dict())
    later.opt.load_state_dict(copy.deepcopy(half.opt.state_dict()))
    advance(later, 5, step=step)
    assert settings.gap(later.moved(), whole.moved()) < 1e-8


@pytest.mark.parametrize("replay", [False, True])
def test_graphs_draw_new_masks_every_step(replay, training):
    model = nn.Sequential(nn.Linear(5, 64), nn.Dropout(0.5), nn.Linear(64, 3))
    t = training("sam", model=model.cuda(), base=fused, replay=replay)
    x, y = t.x[0].cuda().float(), t.y[0].cuda()
    step = graphed(t)
    t.opt.param_groups[0]["lr"] = 0.0
    seen = torch.stack([step(x, y).mean() for _ in range(6)])
    assert len(seen.unique()) == 6


def test_a_replay_skips_a_step_that_is_not_finite(training):
    t = run(training, "vasso", "cuda")
    step = graphed(t)
    advance(t, 5, step=step)
    before = t.moved()
    step(t.x[0] * float("nan"), t.y[0])
    assert t.opt.skipped == 1 and torch.equal(t.moved(), before)
    advance(t, 2, step=step)
    assert t.moved().isfinite().all() and not torch.equal(t.moved(), before)
