"""`clip` bounds the final direction, as torch's clip_grad_norm_ would before the base step."""

import pytest
import torch

import variants

NAMES = variants.names()
LIMIT = 0.05


def by_hook(t):
    def clip(base, *_):
        torch.nn.utils.clip_grad_norm_([p for g in base.param_groups for p in g["params"]], LIMIT)

    t.opt.base.register_step_pre_hook(clip)
    return t


# wsam has a second part; sampa previews a step, through the hook
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("wsam", "sampa")])
def test_equals_torchs_clipping_in_a_hook(name, training, settings):
    t, u = training(name, clip=LIMIT).step(4), by_hook(training(name)).step(4)
    assert settings.gap(t.moved(), u.moved()) < 1e-5
    assert settings.gap(t.moved(), training(name).step(4).moved()) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_clips_after_unscaling(name, training, settings):
    """Under a fused optimizer, whose pre-hooks see scaled gradients."""

    def base(p):
        return torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True)

    scale = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    t, u = (training(name, clip=LIMIT, base=base, scaler=s).step(4) for s in (scale, None))
    assert settings.gap(t.moved(), u.moved()) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_sgd_is_never_longer(name, training):
    if "momentum" in variants.info(name).needs:
        pytest.skip("declared: needs momentum")
    t = training(name, clip=LIMIT, base=lambda p: torch.optim.SGD(p, lr=1.0))
    for _ in range(3):
        t.start = t.weights()
        assert float(t.step().moved().norm()) <= LIMIT * 1.001


def test_a_decoupled_part_is_clipped_with_the_rest(training, settings):
    def run(decouple):
        variant = variants.create("wsam", decouple=decouple)
        t = training(
            variant,
            dtype=torch.float64,
            clip=LIMIT,
            base=lambda p: torch.optim.SGD(p, lr=0.1),
        )
        return t.step(4).moved()

    assert settings.gap(run(True), run(False)) < 1e-9


@pytest.mark.parametrize("clip", [0, -1.0, float("nan")])
def test_bad_limits(clip, training):
    with pytest.raises(ValueError, match="clip must be > 0, got clip="):
        training("sam", clip=clip)
