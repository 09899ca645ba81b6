"""Frozen and grad-less parameters are left alone, and may change their mind in mid-run."""

import pytest
import torch
from torch import nn

from variants import Update

VARIANTS = ["plain", "sam", "asam", "esam", "looksam", "tensor_sum_sam"]


class Branches(nn.Module):
    """`used` always; `spare` only while `open`."""

    def __init__(self):
        super().__init__()
        self.used, self.spare, self.open = nn.Linear(4, 3), nn.Linear(4, 3), False

    def forward(self, x):
        return self.used(x) + (self.spare(x) if self.open else 0)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("how", ["frozen", "unreached"])
def test_left_alone_by_weight_decay_and_state(how, variant, task):
    t = task(Branches)
    opt = t.driver(variant, t.adamw(weight_decay=0.5))
    if how == "frozen":
        t.model.open = True
        t.model.spare.requires_grad_(False)
    w = t.weights()
    for _ in range(3):
        opt.step(t.losses)
    assert torch.equal(t.model.spare.weight, w["spare.weight"])
    assert not torch.equal(t.model.used.weight, w["used.weight"])
    assert set(opt.state) == set(t.model.used.parameters())


def test_frozen_ones_do_not_count_in_the_norm(task):
    t, u = task(), task()
    t.model[0].requires_grad_(False)
    opt = t.driver("sam", rho=0.3)
    opt.step(t.losses)
    g = torch.autograd.grad(u.mean(), list(u.model[2:].parameters()))
    assert float(opt.last["grad_norm"]) == pytest.approx(
        float(torch.cat([v.flatten() for v in g]).norm())
    )
    assert float(opt.last["radius"]) == pytest.approx(0.3)


def test_a_leftover_gradient_of_a_frozen_parameter_is_not_applied(task):
    t = task()
    opt = t.driver("sam")
    t.mean().backward()
    t.model[2:].zero_grad()
    t.model[0].requires_grad_(False)
    w = t.weights()
    opt.step(t.losses)
    assert torch.equal(t.model[0].weight, w["0.weight"])


def test_gradients_accumulated_by_hand_are_refused(task, differing):
    t, u = task(), task()
    opt = t.driver("sam")
    t.mean().backward()
    w = t.weights()
    with pytest.raises(ValueError, match=r"^0\.weight has a gradient already: .*zero_grad\(\)"):
        opt.step(t.losses)
    assert differing(t.weights(), w) == []
    opt.zero_grad(set_to_none=False)
    opt.step(t.losses)
    u.driver("sam").step(u.losses)
    assert differing(t.weights(), u.weights()) == []


def test_a_gradient_only_in_the_second_pass_updates(task):
    t = task(Branches)
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0))
    w = t.weights()
    calls = []

    def closure(rows):
        calls.append(rows)
        t.model.open = len(calls) == 2
        return t.losses(rows)

    opt.step(closure)
    assert not torch.equal(t.model.spare.weight, w["spare.weight"])


def test_a_gradient_only_in_the_first_pass_counts_as_zero_in_the_second(task):
    t = task(Branches)
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0))
    w = t.weights()
    t.model.open = True

    def closing(losses):
        t.model.open = False
        return t.losses()

    opt.step(t.nth(2, closing))
    assert torch.equal(t.model.spare.weight, w["spare.weight"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_unfrozen_in_mid_run(variant, task):
    t = task(Branches)
    t.model.open = True
    t.model.spare.requires_grad_(False)
    opt = t.driver(variant)
    for _ in range(3):
        opt.step(t.losses)
    t.model.spare.requires_grad_(True)
    w = t.weights()
    for _ in range(3):
        opt.step(t.losses)
    assert not torch.equal(t.model.spare.weight, w["spare.weight"])
    t.model.used.requires_grad_(False)
    w = t.weights()
    for _ in range(6):
        opt.step(t.losses)
    assert torch.equal(t.model.used.weight, w["used.weight"])
    assert opt.skipped == 0


def test_all_frozen_is_one_clear_line(task):
    t = task()
    opt = t.driver("sam")
    t.model.requires_grad_(False)
    with pytest.raises(ValueError, match=r"no parameter .* requires a gradient"):
        opt.step(t.losses)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_zero_gradient_means_no_perturbation(variant, task):
    t = task()
    opt = t.driver(variant, t.sgd(weight_decay=0.0))
    before = t.weights()
    for _ in range(2):
        losses = opt.step(lambda rows: t.losses(rows) * 0)
    assert opt.skipped == 0 and losses.eq(0).all()
    assert all(torch.equal(p, before[n]) for n, p in t.weights().items())


def test_one_dead_tensor_does_not_stop_tensor_sum(task):
    t = task(Branches)
    opt = t.driver("tensor_sum_sam", rho=0.1)
    opt.step(t.losses)
    assert opt.skipped == 0 and float(opt.last["radius"]) == pytest.approx(0.1 * 2**0.5)


def test_sparse_gradients_are_refused_by_name(task):
    t = task(lambda: nn.Sequential(nn.Embedding(4, 3, sparse=True), nn.Flatten(), nn.Linear(12, 3)))
    t.x = torch.randint(4, (8, 4))
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0))
    before = t.snapshot(opt)
    with pytest.raises(ValueError, match=r"0\.weight has a sparse gradient"):
        opt.step(t.losses)
    assert t.changed(before, opt) == []


def test_grads_hold_zeros_where_none_arrived(task, probe):
    t = task(Branches)

    def rule(oracle, state):
        grads = oracle.grad().grads
        assert list(grads) == list(oracle.params)
        assert not grads["spare.weight"].any() and grads["used.weight"].any()
        return Update(grads), state

    t.driver(probe(rule=rule)).step(t.losses)
