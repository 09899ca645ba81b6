"""What changes in mid-run: who trains, under which name, with which hyperparameters."""

import copy

import pytest
import torch
from torch import nn

import variants

NAMES = [n for n in variants.names() if n != "plain"]


class Heads(nn.Module):
    """A body, and a head that may be frozen; both always in use."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 6), nn.LayerNorm(6))
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


def fresh(training, name):
    torch.manual_seed(0)
    return training(name, model=Heads(), dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_frozen_and_thawed(name, training, differing):
    """As if the frozen ones were constants; thawed, they go on with what the rule knew of them."""
    run = fresh(training, name).step(3)
    other = copy.deepcopy((run.model, run.opt.state_dict()))
    run.model.head.requires_grad_(False)
    memory = copy.deepcopy(run.opt.state_dict()["sharpness"]["state"])
    run.step(3)

    alone = fresh(training, name)  # trains the body only, and nothing else ever
    alone.model.load_state_dict(other[0].state_dict())
    base = torch.optim.SGD(alone.model.body.parameters(), lr=0.05, momentum=0.9)
    alone.opt = variants.SharpnessAware(base, run.opt.variant, alone.model, total_steps=120)
    state = other[1]
    state["param_groups"][0]["params"] = [0, 1, 2, 3]
    state["state"] = {k: v for k, v in state["state"].items() if k < 4}
    mine = state["sharpness"]
    mine["parameters"] = [n for n in mine["parameters"] if n.startswith("body")]
    for tree in mine["state"].values():
        for n in [n for n in tree if n.startswith("head")] if isinstance(tree, dict) else ():
            del tree[n]
    alone.opt.load_state_dict(state)
    alone.step(3)
    assert differing(run.weights(), alone.weights()) == []
    assert run.opt.skipped == 0

    run.model.head.requires_grad_(True)
    kept = run.opt.state_dict()["sharpness"]["state"]
    for key, tree in memory.items():
        if isinstance(tree, dict):
            assert tree.keys() == kept[key].keys()
            assert all(torch.equal(kept[key][n], t) for n, t in tree.items() if "head" in n)
    before = run.weights()
    run.step(3)
    assert len(differing(before, run.weights())) == len(before) and run.opt.skipped == 0


def test_a_stale_ascent_keeps_its_radius(training):
    run = fresh(training, variants.create("async_sam", rho=0.2)).step(3)
    run.model.head.requires_grad_(False)
    assert float(run.step().opt.last["radius"]) == pytest.approx(0.2)
    run.model.head.requires_grad_(True)
    assert float(run.step().opt.last["radius"]) == pytest.approx(0.2)


class Wrapped(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.network = model

    def forward(self, x):
        return self.network(x)


@pytest.mark.parametrize("name", ["looksam", "async_sam", "m_sam"])
def test_resumed_under_other_module_names(name, training, differing):
    """As torch's own state goes to parameters by their order."""
    variant = name if name != "m_sam" else variants.create(name, inner=variants.create("vasso"))
    run = fresh(training, variant).step(3)
    saved = copy.deepcopy((run.model.state_dict(), run.opt.state_dict()))
    run.step(3)
    inner = Heads().double()
    inner.load_state_dict(saved[0])
    again = training(variant, model=Wrapped(inner), dtype=torch.float64)
    again.opt.load_state_dict(saved[1])
    again.step(3)
    assert differing(dict(run.model.state_dict()), dict(inner.state_dict())) == []


def test_a_parameter_of_another_shape_is_told(task):
    t = task()
    opt = t.driver("vasso", t.sgd(momentum=0.0))
    opt.step(t.losses)
    t.model[0].weight.data = torch.randn(6, 5, dtype=torch.float64)
    t.x = torch.randn(8, 5, dtype=torch.float64)
    w = t.weights()
    with pytest.raises(
        ValueError, match=r"weight is \(6, 5\), and was \(6, 4\) .* optimizer.reset"
    ):
        opt.step(t.losses)
    assert all(torch.equal(v, w[n]) for n, v in t.weights().items())
    opt.reset()
    opt.step(t.losses)
    assert (opt.steps, opt.passes) == (1, 2)


@pytest.mark.parametrize("variant", ["sam", "looksam"])
def test_weights_are_never_left_perturbed_by_new_shapes(variant, task):
    """The base optimizer's own memory does not fit either; it raises, at un-perturbed weights."""
    t = task()
    opt = t.driver(variant)
    opt.step(t.losses)
    t.model[0].weight.data = torch.randn(6, 5, dtype=torch.float64)
    t.x = torch.randn(8, 5, dtype=torch.float64)
    w = t.weights()
    with pytest.raises((ValueError, RuntimeError)):
        opt.step(t.losses)
    assert all(torch.equal(v, w[n]) for n, v in t.weights().items())


@pytest.mark.parametrize("variant", ["sam", "looksam"])
def test_weights_whose_storage_was_replaced(variant, task, differing):
    t, u = task(), task()
    for run in (t, u):
        opt = run.driver(variant, rho=0.3)
        for _ in range(3):
            if run is t:
                for p in t.model.parameters():
                    p.data = p.data.clone()
            opt.step(run.losses)
    assert differing(t.weights(), u.weights()) == []


def test_a_closure_that_resizes_leaves_no_weight_perturbed(task):
    t = task()
    opt = t.driver("sam", rho=0.3)
    w, calls = t.weights(), []

    def closure(rows):
        calls.append(rows)
        if len(calls) == 2:
            t.model[0].weight.data = torch.randn(6, 5, dtype=torch.float64)
        return t.losses(rows)

    with pytest.raises(RuntimeError):
        opt.step(closure)
    assert all(torch.equal(v, w[n]) for n, v in t.weights().items())


# --- hyperparameters


def test_a_state_names_the_hyperparameters_that_differ(task):
    t, u = task(), task()
    opt, other = t.driver("looksam", rho=0.05, k=5), u.driver("looksam", rho=0.1, k=2)
    opt.step(t.losses)
    before = u.snapshot(other)
    message = r"the state is of rho=0.05, k=5, this optimizer runs rho=0.1, k=2"
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(opt.state_dict())
    assert u.changed(before, other) == []
    inner = [variants.create("m_sam", inner=variants.create("sam", rho=r)) for r in (0.1, 0.2)]
    with pytest.raises(ValueError, match=r"of inner.rho=0.1, this optimizer runs inner.rho=0.2"):
        u.driver(inner[1]).load_state_dict(t.driver(inner[0]).state_dict())
    inner[1] = variants.create("m_sam", inner=variants.create("asam"))
    with pytest.raises(ValueError, match="of inner 'sam', this optimizer runs inner 'asam'"):
        u.driver(inner[1]).load_state_dict(t.driver(inner[0]).state_dict())


def test_a_tensor_hyperparameter_comes_back_as_a_rate_does(task):
    t, u = task(), task()
    rho, other = torch.tensor(0.05), torch.tensor(0.3)
    opt, resumed = t.driver("sam", rho=rho), u.driver("sam", rho=other)
    rho.fill_(0.125)
    saved = opt.state_dict()
    rho.fill_(0.5)
    resumed.load_state_dict(saved)
    assert float(other) == 0.125


def test_hyperparameters_may_be_set_in_mid_run(task, differing):
    """What the rule remembers stays, unless it is of another rule."""
    t, u = task(), task()
    opt = t.driver("looksam", rho=0.05, k=3)
    opt.step(t.losses)
    opt.variant = variants.create("looksam", rho=0.2, k=3)
    opt.step(t.losses)
    opt.step(t.losses)
    opt.step(t.losses)
    other = u.driver("looksam", rho=0.05, k=3)
    for _ in range(3):
        other.step(u.losses)
    assert float(other.last["grad_norm"]) > 0 and opt.steps == 4
    assert float(opt.last["radius"]) == pytest.approx(0.2)
    opt.set(rho=0.3, k=1)
    opt.step(t.losses)
    assert float(opt.last["radius"]) == pytest.approx(0.3) and opt.variant.k == 1
    with pytest.raises(ValueError, match=r"looksam has no hyperparameter 'rhoo'; did you mean rho"):
        opt.set(rhoo=0.1)
    with pytest.raises(ValueError, match="rho must be >= 0"):
        opt.set(rho=-1)
    with pytest.raises(ValueError, match="needs the length of the run"):
        opt.variant = variants.create("ae_sam")
    assert opt.variant.rho == 0.3


def test_another_rule_in_mid_run_remembers_nothing(task):
    t = task()
    opt = t.driver("looksam")
    opt.step(t.losses)
    opt.variant = variants.create("sam")
    assert opt.state_dict()["sharpness"]["state"] in (None, {})
    opt.step(t.losses)
    opt.variant = variants.create("async_sam", tau=1)
    opt.step(t.losses)
    opt.set(tau=2)  # another memory: it starts anew
    opt.step(t.losses)
    assert set(opt.state_dict()["sharpness"]["state"]) == {"g1", "g2"}


def test_reset_starts_all_memory_anew(task, differing):
    t, u = task(), task()
    opt = t.driver("looksam", k=2)
    for _ in range(3):
        opt.step(t.losses)
    opt.reset()
    u.model.load_state_dict(t.model.state_dict())
    other = u.driver("looksam", k=2)
    for run, driver in ((t, opt), (u, other)):
        for _ in range(3):
            driver.step(run.losses)
    assert t.changed(u.snapshot(other), opt) == []


# --- groups


def test_state_and_groups_that_are_assigned_stay(task):
    t = task()
    opt = t.driver("sam")
    opt.step(t.losses)
    opt.state = {}
    assert opt.base.state == {}
    groups = [{**opt.param_groups[0], "lr": 0.0}]
    opt.param_groups = groups
    w = t.weights()
    opt.state = opt.base.state.__class__(dict) if hasattr(opt.base.state, "default_factory") else {}
    assert opt.base.param_groups is groups and opt.param_groups is groups
    with pytest.raises(KeyError):
        opt.step(t.losses)  # torch's SGD wants a defaultdict
    assert all(torch.equal(v, w[n]) for n, v in t.weights().items())


@pytest.mark.parametrize("variant", ["sam", "sampa", "eigen_sam"])
def test_steps_and_quotients_are_no_perturbations(variant, task, differing):
    """`perturb=False` everywhere is the rule at radius 0, not without its other offsets."""
    t, u = task(), task()
    hyper = {"freq": 2} if variant == "eigen_sam" else {}
    groups = [{"params": t.model.parameters(), "perturb": False}]
    opt = t.driver(variant, torch.optim.SGD(groups, lr=0.1, momentum=0.9), **hyper)
    other = u.driver(variant, torch.optim.SGD(u.model.parameters(), lr=0.1, momentum=0.9),
                     rho=0.0, **hyper)  # fmt: skip
    for _ in range(5):
        opt.step(t.losses)
        other.step(u.losses)
    for n, v in t.weights().items():
        torch.testing.assert_close(v, u.weights()[n], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variant", ["rwp", "le_sam", "det_sam", "frob_sam", "gam", "random_sam"])
def test_a_group_s_rho_needs_a_plain_radius(variant, task):
    t = task()
    groups = [{"params": t.model.parameters(), "rho": 0.1}]
    opt = t.driver(variant, torch.optim.SGD(groups, lr=0.1), options={"total_steps": 9})
    with pytest.raises(ValueError, match=f"perturbations of {variant} are not proportional"):
        opt.step(t.losses)
    opt.param_groups[0]["rho"] = None
    opt.param_groups[0]["perturb"] = False
    opt.step(t.losses)


# --- maximize


@pytest.mark.parametrize("base", ["sgd", "adamw"])
@pytest.mark.parametrize("variant", NAMES)
def test_to_maximize_is_to_minimize_the_negative(variant, base, training, settings):
    def run(sign):
        kind = torch.optim.SGD if base == "sgd" else torch.optim.AdamW
        made = fresh(training, variant)
        made.opt = variants.SharpnessAware(
            kind(made.model.parameters(), lr=0.05, maximize=sign < 0),
            settings.create(variant) if variant != "momentum_sam" else variants.create("sam"),
            made.model,
            total_steps=120,
        )
        return made.step(5, wrap=lambda f: lambda rows: sign * f(rows))

    a, b = run(1.0), run(-1.0)
    for n, v in a.weights().items():
        torch.testing.assert_close(v, b.weights()[n], rtol=1e-9, atol=1e-9)


def test_the_losses_of_a_maximizing_step_are_the_closure_s(task):
    t = task()
    opt = t.driver("sam", torch.optim.SGD(t.model.parameters(), lr=0.1, maximize=True), rho=0.3)
    expected = t.losses().detach()
    assert torch.equal(opt.step(t.losses), expected)
    assert float(opt.last["rise"]) < 0  # towards the worse side


def test_groups_must_agree_on_maximize(task):
    t = task()
    groups = [{"params": t.model[0].parameters(), "maximize": True},
              {"params": t.model[2:].parameters()}]  # fmt: skip
    opt = t.driver("sam", torch.optim.SGD(groups, lr=0.1))
    with pytest.raises(ValueError, match="some parameter groups have maximize=True and others not"):
        opt.step(t.losses)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: nn.Linear(4, 3, dtype=torch.complex64), "weight is complex: .*view_as_complex"),
        (lambda: nn.LazyLinear(3), r"weight has no shape yet .* run the model on a batch first"),
    ],
)
def test_weights_that_no_step_can_take_are_refused(model, message):
    made = model()
    base = torch.optim.SGD(made.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=message):
        variants.SharpnessAware(base, variants.create("sam"), made)
