"""On a CUDA device: no wait for it in a step, and the same weights as on the CPU."""

import pytest
import torch

import variants

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
NAMES = variants.names()
STEPS = 4


def fused(p):
    return torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True)


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
    torch.cuda.set_sync_debug_mode("error")
    try:
        t.step(STEPS)
    finally:
        torch.cuda.set_sync_debug_mode("default")
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
