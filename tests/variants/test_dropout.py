"""`replay`: the same dropout masks in all passes of a step, and a stream as in plain training."""

import pytest
import timm.layers
import torch
from torch import nn

import variants

NAMES = variants.names()


def dropping() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Linear(5, 16),
            nn.Dropout(0.4),
            timm.layers.DropPath(0.3),
            nn.Linear(16, 3),
        )


def run(training, variant, **options):
    torch.manual_seed(1)
    t = training(variant, dtype=torch.float64, model=dropping(), **options).step(5)
    return t, torch.get_rng_state()


@pytest.mark.parametrize("name", NAMES)
def test_radius_0_is_the_base_optimizer(name, training, settings):
    zero = settings.ZERO.get(name, {})
    if zero is None:
        pytest.skip("no setting of it is the base optimizer with the rows in their order")
    radius = variants.info(name).radius
    variant = settings.create(name, **{**({radius: 0.0} if radius else {}), **zero})
    bare, stream = run(training, "plain")
    t, after = run(training, variant, replay=True)
    assert settings.gap(t.moved(), bare.moved()) < 1e-9
    assert torch.equal(after, stream)


def test_the_bare_loop_is_the_same(training, settings):
    """`plain` itself is the training loop that anybody would write."""
    bare, stream = run(training, "plain", replay=True)
    torch.manual_seed(1)
    model = dropping().double()
    base = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for i in range(5):
        base.zero_grad()
        nn.functional.cross_entropy(model(bare.x[i]), bare.y[i]).backward()
        base.step()
    assert torch.equal(torch.get_rng_state(), stream)
    for mine, p in zip(bare.model.parameters(), model.parameters(), strict=True):
        assert torch.allclose(mine, p, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_all_passes_draw_the_same_masks(name, training):
    masks, steps = [], 3
    torch.manual_seed(1)
    t = training(name, model=dropping(), replay=True)
    t.model[1].register_forward_hook(lambda m, args, out: masks[-1].append(out != 0))
    for _ in range(steps):
        masks.append([])
        t.step()
    whole = [[m for m in step if len(m) == 8] for step in masks]
    for step in whole:
        assert all(torch.equal(m, step[0]) for m in step)
    assert len({m[0].numpy().tobytes() for m in whole if m}) in (0, steps)


def test_without_it_every_pass_draws_anew(training):
    masks = []
    t = training("sam", model=dropping())
    t.model[1].register_forward_hook(lambda m, args, out: masks.append(out != 0))
    t.step()
    assert len(masks) == 2 and not torch.equal(*masks)


def test_each_micro_batch_has_masks_of_its_own(training, settings):
    bare, stream = None, None
    for accumulation in ("exact", "m"):
        torch.manual_seed(1)
        variant = variants.create("sam", rho=0.0)
        t = training(
            variant, dtype=torch.float64, model=dropping(), replay=True, accumulation=accumulation
        ).step(5, micro=4)
        if bare is not None:
            assert torch.equal(torch.get_rng_state(), stream)
            assert settings.gap(t.moved(), bare.moved()) < 1e-9
        bare, stream = t, torch.get_rng_state()


def test_the_stream_survives_an_exception(training):
    t = training("sam", model=dropping(), replay=True)
    torch.manual_seed(1)
    t.step()
    wanted = torch.get_rng_state()
    u = training("sam", model=dropping(), replay=True)
    torch.manual_seed(1)

    def fail_at_second(losses):
        return lambda rows: losses(rows) if u.calls == 0 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        u.step(1, fail_at_second)
    assert torch.equal(torch.get_rng_state(), wanted)
