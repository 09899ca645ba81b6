"""What a rule is told: params, kinds, momentum, preview, the weights after the step; autocast."""

import random
import types

import pytest
import timm
import timm.optim
import torch
from torch import nn
from torch.nn import functional as F

from variants import Update
from variants.driver.parameters import held, kinds


@pytest.mark.parametrize("base", ["sgd", "adamw"])
def test_momentum_is_the_first_moment_of_the_base(base, task, probe):
    t, seen = task(), []

    def rule(oracle, state):
        seen.append({n: m.clone() for n, m in oracle.momentum.items()})
        return Update(oracle.grad().grads), state

    opt = t.driver(probe(rule=rule), getattr(t, base)())
    for _ in range(2):
        opt.step(t.losses)
    assert all(not m.any() for m in seen[0].values())
    assert all(m.any() for m in seen[1].values())
    key = "momentum_buffer" if base == "sgd" else "exp_avg"
    held = {n: opt.state[p][key].clone() for n, p in t.model.named_parameters()}
    opt.step(t.losses)
    assert all(torch.equal(seen[2][n], m) for n, m in held.items())


BASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
    "timm lamb": lambda p: timm.optim.Lamb(p, lr=0.1),  # counts steps in its groups
    "timm kron": lambda p: timm.optim.kron.Kron(p, lr=0.1),  # draws, and keeps lists
    "timm lookahead": lambda p: timm.optim.Lookahead(timm.optim.Lamb(p, lr=0.1), k=2),
    "nested": lambda p: Nested(p),
}


class Nested(torch.optim.Optimizer):
    """Keeps its state wherever there is a place, and draws from global and from own generators."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})
        self.inner = torch.optim.Adam(self.param_groups, lr=0.1)
        self.count, self.rng, self.dice = 0, torch.Generator(), random.Random(0)
        self.factors = types.SimpleNamespace(left=[torch.zeros(())], seen={0})

    @torch.no_grad()
    def step(self, closure=None):
        self.count += 1
        self.factors.seen.add(self.count)
        self.factors.left[0].add_(1)
        self.factors.left.append(torch.ones(()))
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    state.setdefault("GG", [[torch.zeros_like(p)]])[0][0].add_(p.grad)
                    drawn = torch.rand(()) + torch.rand((), generator=self.rng) + self.dice.random()
                    scale = 1 + self.count + drawn + sum(self.factors.left)
                    p.data = p - 0.01 * scale * state["GG"][0][0]
        self.inner.step()


def everything(base):
    """What hangs on it, in words."""
    values = [torch.get_rng_state()]
    for optimizer in (base, getattr(base, "inner", None), getattr(base, "_base_optimizer", None)):
        if optimizer is not None:
            kept = {
                k: v for k, v in vars(optimizer).items() if k not in ("inner", "_base_optimizer")
            }
            values.append(kept)
    return repr(values)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("early", [False, True])
def test_preview_is_what_the_base_then_does_and_changes_nothing(base, early, task, probe):
    t = task()
    seen = []

    def rule(oracle, state):
        g = None if early else oracle.grad().grads
        if early:
            g = {n: torch.ones_like(p) for n, p in oracle.params.items()}
        before, base = t.snapshot(opt), everything(opt.base)
        seen.append((oracle.preview(g), t.weights()))
        assert t.changed(before, opt) == [] and everything(opt.base) == base
        oracle.grad()
        return Update(g), state

    opt = t.driver(probe(rule=rule), BASES[base](t.model.parameters()))
    for _ in range(3):
        opt.step(t.losses)
        offset, w = seen[-1]
        for n, p in t.weights().items():
            torch.testing.assert_close(w[n] + offset[n], p, rtol=1e-12, atol=1e-12)


def test_no_hook_sees_a_preview(task):
    t, calls = task(), []
    opt = t.driver("sampa")
    opt.base.register_step_post_hook(lambda *_: calls.append(1))
    opt.base.register_step_pre_hook(lambda *_: calls.append(1))
    for _ in range(3):
        opt.step(t.losses)
    assert len(calls) == 6


BARE = {
    "timm lookahead": lambda p: timm.optim.Lookahead(torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nested adam": lambda p: Nested(p),
}


@pytest.mark.parametrize("base", BARE)
def test_momentum_of_a_wrapped_optimizer(base, task, probe):
    t, seen = task(), []

    def rule(oracle, state):
        seen.append({n: m.clone() for n, m in oracle.momentum.items()})
        return Update(oracle.grad().grads), state

    opt = t.driver(probe(rule=rule), BARE[base](t.model.parameters()))
    for _ in range(2):
        opt.step(t.losses)
    assert all(m.any() for m in seen[1].values())


def test_momentum_that_is_kept_nowhere_is_refused(task):
    """Schedule-free methods and the like: the radius would be 0 for ever."""

    class Elsewhere(torch.optim.SGD):
        def step(self, closure=None):
            super().step()
            for state in self.state.values():
                state["z"] = state.pop("momentum_buffer")

    t = task()
    opt = t.driver("momentum_sam", Elsewhere(t.model.parameters(), lr=0.1, momentum=0.9))
    opt.step(t.losses)
    before = t.weights()
    with pytest.raises(ValueError, match="Elsewhere keeps none as exp_avg or momentum_buffer"):
        opt.step(t.losses)
    assert all(torch.equal(v, before[n]) for n, v in t.weights().items())


def test_after_runs_at_the_new_weights_and_may_replace_them(task, probe):
    t, seen = task(), {}

    def rule(oracle, state):
        seen["w"] = t.weights()
        e = {n: torch.ones_like(p) for n, p in oracle.params.items()}
        return Update(oracle.grad(at=e).grads), state

    def later(oracle, state):
        seen["new"] = t.weights()
        oracle.grad(at={n: torch.ones_like(p) for n, p in oracle.params.items()})
        seen["back"] = t.weights()
        return {"3.bias": torch.full((3,), 7.0, dtype=torch.float64)}, state

    opt = t.driver(probe(rule=rule, later=later))
    opt.step(t.losses)
    assert all(not torch.equal(seen["w"][n], seen["new"][n]) for n in seen["w"])
    assert all(torch.equal(seen["back"][n], seen["new"][n]) for n in seen["w"])
    assert t.model[3].bias.eq(7).all() and torch.equal(t.model[0].weight, seen["new"]["0.weight"])


def test_what_a_variant_needs_is_asked_for_at_construction(task, probe):
    class Needy(probe):
        needs = frozenset({"momentum", "total_steps"})

    t = task()
    rule = {"rule": lambda oracle, state: (Update(oracle.grad().grads), state)}
    with pytest.raises(ValueError, match="total_steps=N"):
        t.driver(Needy(**rule))
    with pytest.raises(ValueError, match=r"SGD\(momentum=0\) keeps none"):
        t.driver(Needy(**rule), t.sgd(momentum=0.0), options={"total_steps": 5})
    t.driver(Needy(**rule), t.adamw(), options={"total_steps": 5}).step(t.losses)


def test_kinds_go_by_module_type():
    model = timm.create_model("test_vit", num_classes=3)
    found = kinds(model)
    assert set(found) == {n for n, _ in model.named_parameters()}
    assert found["blocks.0.norm1.weight"] == found["norm.bias"] == "norm"
    assert found["head.weight"] == "weight" and found["head.bias"] == "bias"
    assert kinds(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))["1.bias"] == "norm"


class Wrapper(nn.Module):
    """The names that DistributedDataParallel (and torch.compile) give without their machinery."""

    def __init__(self, attribute, model):
        super().__init__()
        self.add_module(attribute, model)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: Wrapper("module", m),
        lambda m: torch.compile(m),
        lambda m: Wrapper("module", torch.compile(m)),
        lambda m: torch.compile(Wrapper("module", m)),
    ],
    ids=["ddp", "compiled", "ddp of compiled", "compiled ddp"],
)
def test_prefixes_of_wrappers_are_stripped(wrap, task):
    t = task()
    wrapped, base = wrap(t.model), t.sgd()
    names = [n for n, _ in t.model.named_parameters()]
    assert list(held(wrapped, base)) == names
    assert kinds(wrapped) == kinds(t.model)


@pytest.fixture
def process_group():
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_a_real_ddp_of_one_process_changes_nothing(process_group, task, differing):
    t, u = task(), task()
    alone = u.driver("looksam", k=2)
    t.model = nn.parallel.DistributedDataParallel(t.model)
    opt = t.driver("looksam", t.sgd(), k=2)
    for _ in range(4):
        opt.step(t.losses)
        alone.step(u.losses)
    assert differing(dict(t.model.module.state_dict()), dict(u.model.state_dict())) == []
    assert list(opt.state_dict()["sharpness"]["state"]["v"]) == list(u.weights())


def test_a_child_called_module_is_not_a_wrapper():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.module, self.weight = nn.Linear(2, 2), nn.Parameter(torch.zeros(2, 2))

    model = Both()
    base = torch.optim.SGD(model.parameters(), lr=0.1)
    assert len(held(model, base)) == 3


def autocast_step(task, variant):
    t = task(dtype=torch.float32)
    opt = t.driver(variant, **({"rho": 0.5} if variant == "sam" else {}))
    with torch.autocast("cpu", torch.bfloat16):
        opt.step(
            lambda rows: F.cross_entropy(t.model(t.x[rows]).float(), t.y[rows], reduction="none")
        )
    return t, opt


def test_autocast_around_the_step_does_not_turn_sam_into_its_base(task):
    """Autocast keeps its casts of w until it is left: w + e would never be seen."""
    (plain, _), (sam, opt) = autocast_step(task, "plain"), autocast_step(task, "sam")
    assert float(opt.last["rise"]) > 0.01
    assert not torch.equal(plain.model[0].weight, sam.model[0].weight)


def test_casts_made_before_the_step_do_not_serve_at_w_plus_e(task, probe):
    t = task(dtype=torch.float32)

    def rule(oracle, state):
        return Update(oracle.grad(at={"0.weight": torch.ones(6, 4)}).grads), state

    with torch.autocast("cpu", torch.bfloat16):
        at_w = t.losses()
        at_e = t.driver(probe(rule=rule)).step(t.losses)
    assert not torch.equal(at_w, at_e)


@pytest.mark.parametrize("fails", [False, True])
def test_no_cast_of_the_perturbed_weights_is_left_behind(fails, task):
    t = task(dtype=torch.float32)
    opt = t.driver("sam", t.sgd(lr=0.0), rho=5.0)

    def spoil(losses):
        raise OSError("disk")

    with torch.autocast("cpu", torch.bfloat16):
        expected = t.model(t.x)
        torch.clear_autocast_cache()
        try:
            opt.step(t.nth(2, spoil if fails else lambda losses: losses))
        except OSError:
            assert fails
        assert torch.equal(t.model(t.x), expected)


class FullyShardedDataParallel(nn.Module):
    """FSDP by name: with its original parameters nothing on them tells that they are shards."""

    def __init__(self, model):
        super().__init__()
        self.module = model


def test_fully_sharded_models_are_refused(task):
    t = task()
    t.model = FullyShardedDataParallel(t.model)
    with pytest.raises(ValueError, match=r"\(FSDP1\) hides .* not supported, use .*fully_shard"):
        t.driver("sam", t.sgd())
