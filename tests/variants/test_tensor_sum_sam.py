"""Tensor-sum SAM against a transcription, with each tensor on its own radius, both gradients once.

The usual bugs of the listing: restoring every tensor with the last perturbation (invisible while
only one tensor trains), and adding the first gradient twice.
"""

import pytest
import torch


def transcription(task, base, rho, weight=1.0, bug=None):
    params = list(task.model.parameters())
    g = torch.autograd.grad(task.mean(), params)
    e = [rho * v / v.norm() for v in g]
    with torch.no_grad():
        for p, d in zip(params, e, strict=True):
            p += d
    h = torch.autograd.grad(task.mean(), params)
    with torch.no_grad():
        for p, d in zip(params, e, strict=True):
            p -= e[-1].mean() if bug == "last" else d
    for p, v, u in zip(params, g, h, strict=True):
        p.grad = weight * (v + v + u if bug == "twice" else v + u)
    base.step()


def gap(t, u):
    return max(float((p - u.weights()[n]).abs().max()) for n, p in t.weights().items())


@pytest.mark.parametrize(("reduction", "weight"), [("sum", 1.0), ("mean", 0.5)])
@pytest.mark.parametrize("base", ["sgd", "adamw"])
def test_equals_the_transcription(base, reduction, weight, task):
    t, u = task(), task()
    assert len(list(t.model.parameters())) == 6
    opt = t.driver("tensor_sum_sam", getattr(t, base)(), rho=0.1, reduction=reduction)
    other = getattr(u, base)()
    for _ in range(5):
        opt.step(t.losses)
        transcription(u, other, 0.1, weight)
    assert gap(t, u) < 1e-9  # TINY in our normalisation; theirs has none


@pytest.mark.parametrize("bug", ["last", "twice"])
def test_shows_neither_bug(bug, task):
    t, u = task(), task()
    t.driver("tensor_sum_sam", rho=0.1).step(t.losses)
    transcription(u, u.sgd(), 0.1, bug=bug)
    assert gap(t, u) > 1e-3


def test_with_a_rate_of_zero_nothing_moves_at_all(task):
    t = task()
    w = t.weights()
    t.driver("tensor_sum_sam", t.sgd(lr=0.0), rho=0.5).step(t.losses)
    assert all(torch.equal(p, w[n]) for n, p in t.weights().items())


def test_radius_is_rho_times_the_root_of_the_number_of_tensors(task):
    t = task()
    opt = t.driver("tensor_sum_sam", rho=0.1)
    opt.step(t.losses)
    assert float(opt.last["radius"]) == pytest.approx(0.1 * 6**0.5)
