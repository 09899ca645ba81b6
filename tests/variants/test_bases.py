"""Several base optimizers under one rule, and schedule-free ones."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants

RHO = 0.05


def two(model):
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    muon = torch.optim.Muon(matrices, lr=0.02, momentum=0.9)
    return [muon, torch.optim.AdamW(others, lr=0.01)]


def ascended(model, loss):
    """SAM's gradient at w + e, of one perturbation over all parameters, left in `.grad`."""
    parameters = list(model.parameters())
    start = [p.detach().clone() for p in parameters]
    grads = torch.autograd.grad(loss(), parameters)
    norm = torch.cat([g.flatten() for g in grads]).norm()
    with torch.no_grad():
        for p, g in zip(parameters, grads, strict=True):
            p.add_(RHO * g / norm)
    grads = torch.autograd.grad(loss(), parameters)
    with torch.no_grad():
        for p, w, g in zip(parameters, start, grads, strict=True):
            p.copy_(w)
            p.grad = g


@pytest.mark.parametrize("loops", [False, True])
def test_muon_and_adamw_under_one_perturbation(loops, task):
    t, u = task(), task()
    opt = t.driver("sam", two(t.model), rho=RHO)
    schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    bases = two(u.model)
    for step in range(4):
        if loops:
            for rows in opt.evaluations(8):
                t.losses(rows).mean().backward()
        else:
            opt.step(t.losses)
        schedule.step()
        ascended(u.model, u.mean)
        for base in bases:
            base.step()
            for group in base.param_groups:
                group["lr"] *= 0.5
        if step == 1:  # resumed
            t.model.zero_grad()
            again = t.driver("sam", two(t.model), rho=RHO)
            again.load_state_dict(opt.state_dict())
            opt = again
            schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    for n, w in t.weights().items():
        torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variant", variants.names())
def test_every_rule_is_that_of_one_base(variant, task):
    """Two optimizers of one kind, with a half of the parameters each."""
    t, u = task(), task()
    first, second = list(t.model.parameters())[:3], list(t.model.parameters())[3:]
    options = {"lr": 0.1, "momentum": 0.9}
    halves = [torch.optim.SGD(first, **options), torch.optim.SGD(second, **options)]
    opt = t.driver(variant, halves, options={"total_steps": 5})
    whole = torch.optim.SGD(u.model.parameters(), **options)
    other = u.driver(variant, whole, options={"total_steps": 5})
    for _ in range(3):
        opt.step(t.losses, 8)
        other.step(u.losses, 8)
    for n, w in t.weights().items():
        assert torch.equal(w, u.weights()[n]), n


def test_they_skip_reset_copy_and_scale_as_one(task, differing):
    t = task()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    opt = t.driver("sam", two(t.model), options={"scaler": scaler})
    opt.step(t.losses)
    before = t.snapshot(opt)
    opt.step(lambda rows: t.losses(rows) * float("inf"))
    assert opt.skipped == 1 and scaler.get_scale() == 2.0**9
    assert t.changed(before, opt) == ["/opt/sharpness/passes", "/opt/sharpness/skipped"]
    assert len(opt.state) == len(list(t.model.parameters()))
    copied = copy.deepcopy(opt)
    assert copied.steps == 1 and len(copied.state) == len(opt.state)
    opt.reset()
    assert not opt.state


def test_mistakes_are_told(task):
    t = task()
    with pytest.raises(ValueError, match="two base optimizers hold the same parameter"):
        t.driver("sam", [t.sgd(), t.sgd()])
    with pytest.raises(ValueError, match="momentum_sam needs a base optimizer with momentum"):
        muon, _ = two(t.model)
        others = [p for p in t.model.parameters() if p.ndim != 2]
        t.driver("momentum_sam", [muon, torch.optim.SGD(others, lr=0.1)])
    with pytest.raises(ValueError, match="LBFGS evaluates the loss itself"):
        t.driver("sam", [torch.optim.LBFGS(t.model.parameters())])
    with pytest.raises(ValueError, match="add the group to the one that steps it"):
        t.driver("sam", two(t.model)).add_param_group({"params": [nn.Parameter(torch.ones(1))]})


class ScheduleFree(torch.optim.Optimizer):
    """Schedule-free SGD (Defazio et al. 2024, arXiv:2405.15682): weights are y while they train,
    where gradients are taken, and x while they are evaluated."""

    def __init__(self, params, lr, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta, "train": True, "k": 0})

    @torch.no_grad()
    def _to(self, train):
        for group in self.param_groups:
            if group["train"] != train:
                for p in group["params"]:
                    z = self.state[p].get("z", p)
                    weight = 1 - group["beta"] if train else 1 - 1 / group["beta"]
                    p.lerp_(z, weight)
                group["train"] = train

    def train(self):
        self._to(True)

    def eval(self):
        self._to(False)

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            if not group["train"]:
                raise RuntimeError("not in train mode")
            group["k"] += 1
            c, beta, lr = 1 / group["k"], group["beta"], group["lr"]
            for p in group["params"]:
                z = self.state[p].setdefault("z", p.clone())
                x = p.lerp(z, 1 - 1 / beta)
                z.sub_(lr * p.grad)
                x.lerp_(z, c)
                p.copy_(x.lerp(z, 1 - beta))


def schedulefree(params):
    return pytest.importorskip("schedulefree").SGDScheduleFree(params, lr=0.5, momentum=0.9)


@pytest.mark.parametrize("kind", ["written here", "the authors' package"])
def test_a_schedule_free_base_is_perturbed_where_its_gradient_is_taken(kind, task):
    make = schedulefree if kind != "written here" else (lambda p: ScheduleFree(p, lr=0.5))
    t, u = task(), task()
    opt = t.driver("sam", make(t.model.parameters()), rho=RHO)
    base = make(u.model.parameters())
    for _ in range(3):
        opt.train()
        base.train()
        for _ in range(3):
            opt.step(t.losses)
            ascended(u.model, u.mean)
            base.step()
        trained = t.weights()
        opt.eval()
        base.eval()
        for n, w in t.weights().items():
            torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)
        assert not torch.equal(trained["0.weight"], t.weights()["0.weight"])
    before = t.weights()
    with pytest.raises(Exception, match="train mode"):
        opt.step(t.losses)
    assert all(torch.equal(w, before[n]) for n, w in t.weights().items())


def test_other_bases_have_no_such_modes(task):
    t = task()
    opt = t.driver("sam")
    opt.eval()
    opt.train()
    F.mse_loss(t.model(t.x), t.model(t.x))
