"""`variants.SAM` in scripts of first_step and second_step, held to the same by hand."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants

RHO, RATE, STEPS = 0.05, 0.1, 5


def problem():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)).double()
    return model, torch.randn(STEPS, 8, 4).double(), torch.randint(3, (STEPS, 8))


def script(model, x, y, steps=range(STEPS), optimizer=None, **options):
    options = {"rho": RHO, "lr": RATE, "momentum": 0.9} | options
    optimizer = optimizer or variants.SAM(model.parameters(), torch.optim.SGD, **options)
    for i in steps:
        F.cross_entropy(model(x[i]), y[i]).backward()
        optimizer.first_step(zero_grad=True)
        F.cross_entropy(model(x[i]), y[i]).backward()
        optimizer.second_step(zero_grad=True)
    return optimizer


def by_hand(model, x, y, adaptive):
    """BatchNorm moves in the first pass alone."""
    parameters = list(model.parameters())
    momentum = [torch.zeros_like(p) for p in parameters]
    for i in range(STEPS):
        start = [p.detach().clone() for p in parameters]
        first = torch.autograd.grad(F.cross_entropy(model(x[i]), y[i]), parameters)
        moved = {n: b.clone() for n, b in model.named_buffers()}
        scales = [w.abs() if adaptive else torch.ones_like(w) for w in start]
        norm = torch.cat([(s * g).flatten() for s, g in zip(scales, first, strict=True)]).norm()
        with torch.no_grad():
            for p, s, g in zip(parameters, scales, first, strict=True):
                p.add_(RHO * s**2 * g / norm)
        second = torch.autograd.grad(F.cross_entropy(model(x[i]), y[i]), parameters)
        with torch.no_grad():
            for b, value in zip(model.buffers(), moved.values(), strict=True):
                b.copy_(value)
            for p, w, m, g in zip(parameters, start, momentum, second, strict=True):
                p.copy_(w - RATE * m.mul_(0.9).add_(g))


def same(got, expected):
    for (name, a), b in zip(got.state_dict().items(), expected.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("adaptive", [False, True])
def test_the_script_is_the_loop_by_hand(adaptive):
    (model, x, y), (expected, *_) = problem(), problem()
    optimizer = script(model, x, y, adaptive=adaptive)
    by_hand(expected, x, y, adaptive)
    same(model, expected)
    assert optimizer.steps == STEPS and optimizer.passes == 2 * STEPS


def test_it_resumes():
    (model, x, y), (again, *_), (expected, *_) = problem(), problem(), problem()
    first = script(model, x, y, range(3))
    again.load_state_dict(model.state_dict())
    second = variants.SAM(again.parameters(), base_optimizer=torch.optim.SGD, lr=RATE, momentum=0.9)
    second.load_state_dict(first.state_dict())
    script(again, x, y, range(3, STEPS), second)
    script(expected, x, y)
    assert all(map(torch.equal, again.state_dict().values(), expected.state_dict().values()))


def test_step_with_a_closure_has_the_second_pass_in_it():
    (model, x, y), (expected, *_) = problem(), problem()
    optimizer = variants.SAM(model.parameters(), torch.optim.SGD, lr=RATE, momentum=0.9)
    for i in range(STEPS):

        def closure(i=i):
            loss = F.cross_entropy(model(x[i]), y[i])
            loss.backward()
            return loss

        closure()
        optimizer.step(closure)
        optimizer.zero_grad()
    script(expected, x, y)
    same(model, expected)


def test_weights_are_perturbed_between_the_calls_and_groups_may_have_their_rho():
    model, x, y = problem()
    groups = [{"params": model[0].parameters(), "rho": 0.5}, {"params": model[3].parameters()}]
    optimizer = variants.SAM(groups, torch.optim.AdamW, lr=0.01)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    F.cross_entropy(model(x[0]), y[0]).backward()
    grads = {n: p.grad.clone() for n, p in model.named_parameters()}
    optimizer.first_step()
    held = [n for n in before if n[0] in "03"]
    norm = torch.cat([grads[n].flatten() for n in held]).norm()
    for n, p in model.named_parameters():
        rho = {"0": 0.5, "3": RHO}.get(n[0], 0.0)
        torch.testing.assert_close(p.detach(), before[n] + rho * grads[n] / norm)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_as_the_original(again):
    model, x, y = problem()
    optimizer = variants.SAM(model.parameters(), torch.optim.SGD, lr=RATE, momentum=0.9)
    script(model, x, y, range(2), optimizer)
    other, its = again((model, optimizer))
    for own, by in ((model, optimizer), (other, its)):
        script(own, x, y, range(2, 4), by)
    assert type(its) is variants.SAM and its.steps == optimizer.steps == 4
    pairs = zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_mistakes_are_told():
    model, *_ = problem()
    optimizer = variants.SAM(model.parameters(), torch.optim.SGD, lr=0.1)
    with pytest.raises(RuntimeError, match="second_step comes after first_step"):
        optimizer.second_step()
    with pytest.raises(ValueError, match="no gradient arrived"):
        optimizer.first_step()
    base = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match=r"a class here: .*Around one that is built: Sharpness"):
        variants.SAM(model.parameters(), base)
    with pytest.raises(ValueError, match="rho must be >= 0"):
        variants.SAM(model.parameters(), torch.optim.SGD, rho=-1.0, lr=0.1)


def test_between_the_calls_a_left_out_second_one_is_undone():
    """A script that skips a batch after the first call."""
    model, x, y = problem()
    optimizer = variants.SAM(model.parameters(), torch.optim.SGD, lr=RATE, momentum=0.9)
    F.cross_entropy(model(x[0]), y[0]).backward()
    optimizer.first_step()
    script(model, x, y, range(1), optimizer)
    assert optimizer.steps == 1
