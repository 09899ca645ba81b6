"""Base optimizers and schedules by timm's names."""

import warnings
from typing import Any

import pytest
import torch
from timm.optim import get_optimizer_info, list_optimizers
from torch import nn
from torch.nn.functional import cross_entropy

import variants
from sambench.config import Train
from sambench.config.bases import check_base
from sambench.errors import UserError
from sambench.training.optimizers import base_optimizer, lr_factor, schedule, set_lr

BASES = [
    name
    for name in list_optimizers()
    if not get_optimizer_info(name).second_order and not name.startswith(("bnb", "fused"))
]


def train(**changes: Any) -> Train:
    return Train(**{"epochs": 4, "batch_size": 8, **changes})


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 4)
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # timm's and dynamo's own
@pytest.mark.parametrize("name", [n for n in BASES if not n.startswith("kron")])
def test_every_timm_optimizer_is_a_base(name: str):
    check_base(name)
    net, x, y = model(), torch.randn(8, 3, 8, 8), torch.arange(8) % 4
    base = base_optimizer(train(base=name), net, 1e-3)
    optimizer = variants.SharpnessAware(base, variants.create("sam"), net)
    before = [p.detach().clone() for p in net.parameters()]
    for _ in range(3):
        optimizer.step(lambda rows: cross_entropy(net(x[rows]), y[rows], reduction="none"))
    assert optimizer.skipped == 0
    assert any((p != q).any() for p, q in zip(net.parameters(), before, strict=True))


def test_sgd_and_adamw_are_torch_s_own():
    net = model()
    sgd = base_optimizer(train(nesterov=True, momentum=0.8), net, 0.1)
    own = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.8, nesterov=True, weight_decay=5e-4)
    assert (type(sgd), sgd.defaults) == (torch.optim.SGD, own.defaults)
    adamw = base_optimizer(train(base="adamw", betas=(0.8, 0.99)), net, 0.1)
    own = torch.optim.AdamW(net.parameters(), lr=0.1, betas=(0.8, 0.99), weight_decay=5e-4)
    assert (type(adamw), adamw.defaults) == (torch.optim.AdamW, own.defaults)
    assert len(sgd.param_groups) == len(adamw.param_groups) == 1


def test_arguments_reach_the_base_and_wrong_ones_are_named():
    lion = base_optimizer(train(base="lion", base_args={"betas": [0.7, 0.8]}), model(), 0.1)
    assert lion.defaults["betas"] == [0.7, 0.8]
    with pytest.raises(UserError, match=r"train\.base_args: lion cannot be built: .*'beta'"):
        base_optimizer(train(base="lion", base_args={"beta": 1}), model(), 0.1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what a CPU lacks")
def test_an_optimizer_that_is_not_installed_is_named():
    with pytest.raises(UserError, match="fusedadam cannot be built: CUDA required"):
        base_optimizer(train(base="fusedadam"), model(), 0.1)


def test_norm_and_bias_may_go_without_weight_decay():
    groups = base_optimizer(train(decay_norm_and_bias=False), model(), 0.1).param_groups
    decayed = {p.ndim > 1: g["weight_decay"] for g in groups for p in g["params"]}
    assert decayed == {True: 5e-4, False: 0.0}


@pytest.mark.parametrize("decay_norm_and_bias", [True, False])
def test_lower_layers_learn_slower(decay_norm_and_bias: bool):
    import timm

    net = timm.create_model("test_resnet", num_classes=10)
    config = train(layer_decay=0.5, decay_norm_and_bias=decay_norm_and_bias)
    base = base_optimizer(config, net, 0.1)
    set_lr(base, 0.2)
    names = {id(p): name for name, p in net.named_parameters()}
    lrs = {names[id(p)]: group["lr"] for group in base.param_groups for p in group["params"]}
    assert lrs["fc.weight"] == 0.2 > lrs["layer4.0.conv1.weight"] > lrs["conv1.0.weight"] > 0
    decays = {g["weight_decay"] for g in base.param_groups}
    assert decays == ({5e-4} if decay_norm_and_bias else {5e-4, 0.0})


def factors(total: int = 80, **changes: Any) -> list[float]:
    factor = schedule(train(**changes), total)
    return [factor(step) for step in range(total)]


def test_schedules_are_timm_s():
    steps = factors(schedule="step", schedule_args={"decay_epochs": 1, "decay_rate": 0.5})
    assert steps == [0.5 ** (i // 20) for i in range(80)]
    milestones = {"decay_milestones": [2, 3], "decay_rate": 0.1}
    several = factors(schedule="multistep", schedule_args=milestones)
    assert (several[0], several[38], several[45], several[70]) == pytest.approx((1, 1, 0.1, 0.01))
    stable = factors(schedule="wsd")
    assert stable[:64] == [1.0] * 64 and stable[-1] < 0.1
    for name, arguments in {"tanh": {}, "poly": {"decay_rate": 1.0}}.items():
        found = factors(schedule=name, schedule_args=arguments)
        assert found == sorted(found, reverse=True) and found[0] > 0.98 and found[-1] < 0.05
    assert min(factors(schedule="cosine", schedule_args={"min_lr": 0.1})) == pytest.approx(
        0.1, abs=1e-3
    )
    rsqrt = factors(schedule="rsqrt", warmup_epochs=1.0)
    assert rsqrt[20] == 1.0 > rsqrt[40] > rsqrt[79]


def test_a_schedule_is_a_function_of_the_step_and_stretches_with_the_run():
    arguments = {"decay_milestones": [2], "decay_rate": 0.1}
    config = train(schedule="multistep", schedule_args=arguments, warmup_epochs=1.0)
    factor = schedule(config, 80)
    forwards = [factor(step) for step in range(80)]
    assert [factor(step) for step in reversed(range(80))] == forwards[::-1]
    long = schedule(config, 160)
    assert [long(step) for step in (50, 70, 85)] == pytest.approx([1.0, 1.0, 0.1])


@pytest.mark.parametrize("warmup", [0.0, 0.5])
def test_timm_s_cosine_and_ours_agree(warmup: float):
    config = train(warmup_epochs=warmup)
    ours = [lr_factor(config, step, 80) for step in range(80)]
    theirs = factors(warmup_epochs=warmup, schedule_args={"k_decay": 1.0})
    assert theirs == pytest.approx(ours, abs=1e-12)


def test_what_timm_refuses_of_a_schedule_is_named():
    with pytest.raises(UserError, match=r"train\.schedule_args: rsqrt: .*stable_timescale"):
        schedule(train(schedule="rsqrt"), 80)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule(train(schedule="wsd"), 80)
