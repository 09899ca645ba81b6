"""Parameters that a closure reaches and another optimizer trains: one gradient a step, as plain."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

VARIANTS = ["plain", "sam", "gam", "esam", "looksam"]
DISCRIMINATOR = ["inside", "outside"]


def pair(task, place):
    """A generator (the task's model), and what judges it: in the driver's model or outside it."""
    t = task()
    judge = nn.Linear(3, 3).double()
    generator = t.model
    if place == "inside":
        t.model = nn.ModuleDict({"generator": generator, "judge": judge})
    t.sgd = lambda **_: torch.optim.SGD(generator.parameters(), lr=0.1, momentum=0.9)
    t.losses = lambda rows=slice(None): F.cross_entropy(
        judge(generator(t.x[rows])), t.y[rows], reduction="none"
    )
    return t, judge


@pytest.mark.parametrize("cut", [{}, {"size": 8, "micro": 3}])
@pytest.mark.parametrize("place", DISCRIMINATOR)
@pytest.mark.parametrize("variant", VARIANTS)
def test_they_receive_the_gradient_of_the_first_evaluation(variant, place, cut, task):
    t, judge = pair(task, place)
    opt = t.driver(variant)
    for _ in range(3):
        expected = torch.autograd.grad(t.mean(), list(judge.parameters()))
        judge.zero_grad()
        opt.step(t.losses, **cut)
        for p, g in zip(judge.parameters(), expected, strict=True):
            torch.testing.assert_close(p.grad, g, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["exact", "m"])
def test_it_adds_to_what_they_have(mode, task):
    """As `backward()` does; over micro-batches of both modes it is that of the whole batch."""
    t, judge = pair(task, "inside")
    opt = t.driver("sam", options={"accumulation": mode})
    g = torch.autograd.grad(t.mean(), judge.weight)[0]
    judge.weight.grad = torch.ones_like(g)
    opt.step(t.losses, size=8, micro=3)
    torch.testing.assert_close(judge.weight.grad, 1 + g, rtol=1e-12, atol=1e-12)


def test_a_gradient_reversal_trains_both_sides(task):
    """One loss, two optimizers: the judge's steps are those of a loop by hand."""
    t, judge = pair(task, "outside")
    opt, other = t.driver("sam"), torch.optim.SGD(judge.parameters(), lr=0.2)
    expected = judge.weight.detach().clone()
    for _ in range(3):
        expected -= 0.2 * torch.autograd.grad(t.mean(), judge.weight)[0]
        opt.step(t.losses)
        other.step()
        other.zero_grad()
        torch.testing.assert_close(judge.weight.detach(), expected, rtol=1e-12, atol=1e-12)


def test_an_input_is_let_go_of(task):
    """A leaf of the graph that lives for one batch only."""
    t = task()
    x = t.x.clone().requires_grad_()
    opt = t.driver("sam")
    opt.step(lambda: F.cross_entropy(t.model(x), t.y))
    g = torch.autograd.grad(F.cross_entropy(t.model(x), t.y), x)[0]
    assert x.grad.shape == g.shape


def test_reentrant_checkpoints_hold(task):
    t, u = task(), task()

    def run(rows):
        hidden = checkpoint(t.model[2:], t.model[:2](t.x[rows]), use_reentrant=True)
        return F.cross_entropy(hidden, t.y[rows], reduction="none")

    t.driver("sam").step(run)
    u.driver("sam").step(u.losses)
    for n, p in t.weights().items():
        torch.testing.assert_close(p, u.weights()[n], rtol=1e-12, atol=1e-12)
