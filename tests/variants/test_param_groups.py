"""Groups are the base's own; each may have its own rho, or no perturbation, under one norm."""

import pytest
import torch
from torch import nn

import variants


def davda54(task, rhos, steps):
    """SAM as davda54/sam computes it: one norm over all groups, rho by group."""
    params = list(task.model.parameters())
    base = task.sgd()
    for _ in range(steps):
        g = torch.autograd.grad(task.mean(), params)
        norm = torch.stack([v.norm() for v in g]).norm()
        old = [p.detach().clone() for p in params]
        with torch.no_grad():
            for p, v, rho in zip(params, g, rhos, strict=True):
                p.add_(rho / (norm + 1e-12) * v)
        base.zero_grad()
        task.mean().backward()
        with torch.no_grad():
            for p, o in zip(params, old, strict=True):
                p.copy_(o)
        base.step()


def two_groups(task, **second) -> torch.optim.Optimizer:
    groups = [
        {"params": list(task.model[0].parameters())},
        {"params": list(task.model[2:].parameters()), **second},
    ]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.01)


@pytest.mark.parametrize(
    ("second", "radius"),
    [({"rho": 0.2}, 0.2), ({"rho": 0.0}, 0.0), ({"perturb": False}, 0.0), ({"rho": None}, 0.05),
     ({"perturb": False, "rho": 0.2}, 0.0), ({"perturb": True}, 0.05)],
    ids=str,
)  # fmt: skip
def test_rho_per_group_under_one_norm(second, radius, task):
    t, u = task(), task()
    opt = t.driver("sam", two_groups(t, **second), rho=0.05)
    for _ in range(3):
        opt.step(t.losses)
    davda54(u, [0.05] * 2 + [radius] * 4, steps=3)
    for n, p in u.model.named_parameters():
        torch.testing.assert_close(t.weights()[n], p.detach(), rtol=1e-12, atol=1e-12)


def test_the_radius_in_last_is_the_one_that_was_used(task):
    t = task()
    opt = t.driver("sam", two_groups(t, perturb=False), rho=0.3)
    g = torch.autograd.grad(t.mean(), list(t.model.parameters()))
    norms = torch.stack([v.norm() for v in g])
    opt.step(t.losses)
    assert float(opt.last["radius"]) == pytest.approx(float(0.3 * norms[:2].norm() / norms.norm()))


def test_a_rho_of_the_base_optimizer_itself_is_not_a_radius(task):
    """Adadelta's `rho` is the decay of its averages."""
    t = task()
    opt = t.driver("sam", torch.optim.Adadelta(t.model.parameters(), rho=0.9), rho=0.05)
    opt.step(t.losses)
    assert float(opt.last["radius"]) == pytest.approx(0.05)


@pytest.mark.parametrize(("rho", "group"), [(0.05, -0.1), (0.0, 0.1)])
def test_impossible_group_radii_are_refused(rho, group, task):
    t = task()
    opt = t.driver("sam", two_groups(t, rho=group), rho=rho)
    before = t.snapshot(opt)
    with pytest.raises(ValueError, match="rho of a group must be"):
        opt.step(t.losses)
    assert t.changed(before, opt) == []


def test_groups_and_state_are_the_base_s_own(task):
    t = task()
    opt = t.driver("looksam")
    opt.step(t.losses)
    assert isinstance(opt, torch.optim.Optimizer)
    for load in (opt.load_state_dict, lambda s: None):
        load(opt.state_dict())
        assert opt.param_groups is opt.base.param_groups and opt.state is opt.base.state
        opt.param_groups[0]["lr"] = 0.125
        assert opt.base.param_groups[0]["lr"] == 0.125


def test_also_after_the_base_loaded_a_bare_state(task):
    """The driver's own message proposes `opt.base.load_state_dict`; a scheduler must see it."""
    t = task()
    opt = t.driver("sam")
    opt.base.load_state_dict(opt.base.state_dict())
    opt.param_groups[0]["lr"] = 0.0
    w = t.weights()
    opt.step(t.losses)
    assert opt.base.param_groups[0]["lr"] == 0.0
    assert all(torch.equal(p, w[n]) for n, p in t.weights().items())


def test_add_param_group_through_the_driver(task):
    t, u = task(), task()
    grown = t.driver("looksam", torch.optim.SGD(t.model[0].parameters(), lr=0.1, momentum=0.9))
    grown.step(t.losses)
    grown.add_param_group({"params": t.model[2:].parameters(), "lr": 0.01, "perturb": False})
    assert grown.base.param_groups[1]["momentum"] == 0.9
    w = t.weights()
    for _ in range(5):
        grown.step(t.losses)
    assert all(not torch.equal(p, w[n]) for n, p in t.weights().items())
    with pytest.raises(ValueError, match="more than one parameter group"):
        grown.add_param_group({"params": [t.model[0].weight]})
    grown.add_param_group({"params": u.model[0].parameters()})
    with pytest.raises(ValueError, match="2 of the optimizer's 8 parameters are not in the model"):
        grown.step(t.losses)


def test_a_model_without_the_parameters_is_refused(task):
    t, u = task(), task()
    with pytest.raises(ValueError, match="6 of the optimizer's 6 parameters are not in the model"):
        t.driver("sam", u.sgd())


@pytest.mark.parametrize("lr", [0.5, torch.tensor(0.5)])
def test_direct_moves_by_the_learning_rate_of_the_group(lr, task, probe):
    t = task()
    base = torch.optim.SGD(
        [{"params": t.model[0].parameters(), "lr": lr}, {"params": t.model[2:].parameters()}],
        lr=0.25,
        momentum=0.9,
    )

    def rule(oracle, state):
        oracle.grad()
        zeros = {n: torch.zeros_like(p) for n, p in oracle.params.items()}
        return variants.Update(zeros, {n: z + 1 for n, z in zeros.items()}), state

    w = t.weights()
    t.driver(probe(rule=rule), base).step(t.losses)
    for n, p in t.weights().items():
        assert torch.equal(p, w[n] - (0.5 if n.startswith("0.") else 0.25))


def test_a_base_that_evaluates_the_loss_itself_is_refused(task):
    t = task()
    for base in (torch.optim.LBFGS(t.model.parameters()), t.driver("sam")):
        with pytest.raises(ValueError, match="it cannot be a base optimizer"):
            t.driver("sam", base)


def test_shared_parameters_are_held_once(task):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = nn.Linear(4, 4)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)))

    t = task(Tied)
    opt = t.driver("sam", rho=0.3)
    opt.step(t.losses)
    assert float(opt.last["radius"]) == pytest.approx(0.3)
