"""What torch would answer in riddles works, or is refused in words."""

import copy
import io

import pytest
import timm.optim
import torch
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.nn import functional as F

import variants


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": "sam"}, r"not its name: variants.create\('sam', rho=...\)"),
        ({"variant": type(variants.create("sam"))}, r"not its class: SAM\(...\)"),
        ({"base": torch.optim.SGD}, r"must be built: SGD\(model.parameters\(\), lr=...\)"),
        ({"base": 0.1}, "must be a torch.optim.Optimizer; a float has no param_groups"),
        ({"swap": True}, r"the order is SharpnessAware\(base_optimizer, variant, model\)"),
    ],
)
def test_arguments(change, message, task):
    t = task()
    base = change.get("base", t.sgd())
    variant = change.get("variant", variants.create("sam"))
    order = (base, t.model, variant) if "swap" in change else (base, variant, t.model)
    with pytest.raises(TypeError, match=message):
        variants.SharpnessAware(*order)


def test_an_unknown_name_lists_close_ones(task):
    with pytest.raises(ValueError, match="did you mean looksam"):
        variants.SharpnessAware(task().sgd(), "look_sam", task().model)


@pytest.mark.parametrize("name", ["lookahead_sgd", "lookahead_adamw", "lookahead_lamb"])
@pytest.mark.parametrize("variant", ["sam", "sampa", "momentum_sam"])
def test_lookahead_of_timm(name, variant, task, differing):
    def start():
        t = task()
        return t, t.driver(variant, timm.optim.create_optimizer_v2(t.model, name, lr=0.05))

    (t, opt), (u, resumed) = start(), start()
    for _ in range(3):
        opt.step(t.losses)
    saved = copy.deepcopy((t.model.state_dict(), opt.state_dict()))
    u.model.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for _ in range(5):
        opt.step(t.losses)
        resumed.step(u.losses)
    assert differing(t.weights(), u.weights()) == []
    assert opt.param_groups[0]["lookahead_step"] == 8


@pytest.mark.parametrize("how", ["copy", "pickle"])
@pytest.mark.parametrize("variant", ["sam", "looksam", "m_sam"])
def test_copies_go_on_as_the_original_does(variant, how, task, differing):
    t = task()
    opt = t.driver(variant, options={"clip": 0.1, "seed": 3, "total_steps": 9, "replay": True})
    for _ in range(2):
        opt.step(t.losses)
    if how == "copy":
        other = copy.deepcopy(opt)
    else:
        file = io.BytesIO()
        torch.save(opt, file)
        file.seek(0)
        other = torch.load(file, weights_only=False)
    u = task()
    u.model = other.model
    assert u.model is not t.model and (other.steps, other.passes) == (opt.steps, opt.passes)
    for _ in range(3):
        opt.step(t.losses)
        other.step(u.losses)
    assert t.changed(u.snapshot(other), opt) == []


def test_a_copy_of_model_and_optimizer_shares_the_model(task):
    t = task()
    model, opt = copy.deepcopy((t.model, t.driver("sam")))
    assert opt.model is model and opt.param_groups[0]["params"][0] is model[0].weight


def test_torch_s_distributed_checkpoint_would_drop_the_rule(task):
    t = task()
    opt = t.driver("looksam", k=2)
    with pytest.raises(ValueError, match=r"save and load .*variants\.Checkpoint\(optimizer\)"):
        get_optimizer_state_dict(t.model, opt)
    with pytest.raises(ValueError, match=r"save and load .*variants\.Checkpoint\(optimizer\)"):
        set_optimizer_state_dict(t.model, opt, {"state": {}, "param_groups": []})


def run(t, opt):
    return {"model": t.model, "optimizer": variants.Checkpoint(opt)}


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
@pytest.mark.parametrize("stepped", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_a_checkpoint_saves_all_and_changes_nothing(several, stepped, task, differing, tmp_path):
    def made():
        t = task()
        weights, biases = ([p for p in t.model.parameters() if (p.ndim > 1) == m] for m in (1, 0))
        two = [torch.optim.SGD(weights, lr=0.1, momentum=0.9), torch.optim.AdamW(biases, lr=0.01)]
        return t, t.driver("looksam", two if several else t.adamw(), k=2)

    t, opt = made()
    if stepped:
        opt.step(t.losses)
    before = t.snapshot(opt)
    dcp.save(run(t, opt), checkpoint_id=tmp_path, no_dist=True)
    t.model.zero_grad()
    assert t.changed(before, opt) == []
    u, other = made()
    dcp.load(run(u, other), checkpoint_id=tmp_path, no_dist=True)
    for _ in range(3):
        opt.step(t.losses)
        other.step(u.losses)
    assert differing(t.weights(), u.weights()) == [] and opt.steps == other.steps


def test_a_checkpoint_of_another_rule_is_refused(task, tmp_path):
    t = task()
    saved = variants.Checkpoint(t.driver("vasso")).state_dict()
    with pytest.raises(
        ValueError, match=r"the state is of variant 'vasso', .* runs 'friendly_sam'"
    ):
        variants.Checkpoint(t.driver("friendly_sam")).load_state_dict(saved)


@pytest.mark.parametrize("variant", ["sam", "esam", "k_sam", "m_sam"])
@pytest.mark.parametrize("grad", [False, True])
def test_gradient_penalties(variant, grad, task):
    t = task()
    opt = t.driver(variant)

    def losses(rows):
        x = t.x[rows].clone().requires_grad_()
        with torch.set_grad_enabled(grad or torch.is_grad_enabled()):
            found = F.cross_entropy(t.model(x), t.y[rows], reduction="none")
            (g,) = torch.autograd.grad(found.sum(), x, create_graph=True)
            return found + g.square().sum(1)

    w = t.weights()
    if grad or variant == "sam":
        opt.step(losses, size=8)
        assert not torch.equal(t.model[0].weight, w["0.weight"])
    elif variant == "m_sam":
        opt.step(losses, size=8)
        with pytest.raises(RuntimeError, match=r"under torch.enable_grad\(\)"):
            opt.step(losses)
    else:
        with pytest.raises(RuntimeError, match=r"under torch.enable_grad\(\)"):
            opt.step(losses)
        assert all(torch.equal(v, w[n]) for n, v in t.weights().items())


def test_hooks_that_free_gradients(task):
    t = task()
    opt = t.driver("sam")
    handles = [
        p.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
        for p in t.model.parameters()
    ]
    with pytest.raises(ValueError, match=r"a hook on 0.weight frees its gradient"):
        opt.step(t.losses)
    for handle in handles:
        handle.remove()
    opt.step(t.losses)


def test_inference_mode(task):
    t = task()
    opt = t.driver("sam")
    with torch.inference_mode():
        with pytest.raises(ValueError, match=r"outside torch.inference_mode\(\)"):
            opt.step(t.losses)
        model = nn.Linear(4, 3)
    base = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"made in torch\.inference_mode"):
        variants.SharpnessAware(base, variants.create("sam"), model)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_torch_jit(task):
    def normed():
        return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))

    t, u = task(normed), task(normed)
    t.model = torch.jit.script(t.model)
    for run in (t, u):
        opt = run.driver("sam", rho=0.3)
        for _ in range(4):
            opt.step(run.losses)
        opt.step(lambda rows, run=run: run.losses(rows) * float("nan"))
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)


@pytest.mark.parametrize("variant", ["plain", "sam", "esam", "k_sam", "sparse_sam_f"])
@pytest.mark.parametrize("accumulation", ["exact", "m"])
@pytest.mark.parametrize(("rows", "micro"), [(5, 4), (3, 2), (2, 2)])
def test_a_last_row_alone_goes_with_others_under_batchnorm(
    rows, micro, accumulation, variant, task
):
    t = task(lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)))
    opt = t.driver(variant, options={"accumulation": accumulation})
    t.x, t.y = t.x[:rows], t.y[:rows]
    for _ in range(2):
        opt.step(t.losses, size=rows, micro=micro)
    assert opt.steps == 2
