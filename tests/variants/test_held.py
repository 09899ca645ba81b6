"""What a closure moves beside the weights, moves once a step, as in two passes written by hand.

Later passes start from what the first one found: at radius 0 every such model trains plainly.
"""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants


def by_hand(model, losses, params, *, steps, rho, moving, lr=0.1):
    """SAM on `params`; what moves in modules `moving` starts anew in the second pass, and stays."""
    held = [t for m in moving for t in (*m.buffers(), *m.parameters()) if not is_in(t, params)]
    for step in range(steps):
        before = [t.detach().clone() for t in held]
        g = torch.autograd.grad(losses(step).mean(), params, allow_unused=True)
        after = [t.detach().clone() for t in held]
        norm = torch.stack([v.norm() for v in g if v is not None]).norm()
        w = [p.detach().clone() for p in params]
        with torch.no_grad():
            put(held, before)
            for p, v in zip(params, g, strict=True):
                if v is not None:
                    p.add_(rho * v / (norm + 1e-12))
        ga = torch.autograd.grad(losses(step).mean(), params, allow_unused=True)
        with torch.no_grad():
            put(held, after)
            put(params, w)
            for p, v in zip(params, ga, strict=True):
                if v is not None:
                    p.sub_(lr * v)


def is_in(t, tensors):
    return any(t is other for other in tensors)


def put(tensors, values):
    for t, v in zip(tensors, values, strict=True):
        t.copy_(v)


class Queue(nn.Module):
    """A memory bank that feeds the output, as in contrastive learning."""

    def __init__(self):
        super().__init__()
        self.register_buffer("queue", torch.ones(6))

    def forward(self, x):
        out = x * self.queue.clone()
        self.queue.mul_(0.5).add_(x.detach().mean(0))
        return out


class Momentum(nn.Module):
    """An encoder and its moving average, which `forward` moves; three ways of writing that."""

    def __init__(self, how):
        super().__init__()
        self.q, self.k, self.how = nn.Linear(4, 3), nn.Linear(4, 3), how
        self.k.load_state_dict(self.q.state_dict())
        self.k.requires_grad_(False)

    @torch.no_grad()
    def _move(self):
        for k, q in zip(self.k.parameters(), self.q.parameters(), strict=True):
            if self.how == "replaced":
                k.data = 0.9 * k.data + 0.1 * q.data
            elif self.how == "data":
                k.data.mul_(0.9).add_(q.data, alpha=0.1)
            else:
                k.lerp_(q, 0.1)

    def forward(self, x):
        self._move()
        return self.q(x) + self.k(x).detach().tanh()


MODELS = {
    "queue": lambda: nn.Sequential(nn.Linear(4, 6), Queue(), nn.Linear(6, 3)),
    "spectral_norm": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 6)), nn.Linear(6, 3)
    ),
    "InstanceNorm": lambda: nn.Sequential(
        nn.Linear(4, 6),
        nn.Unflatten(1, (2, 3)),
        nn.InstanceNorm1d(2, track_running_stats=True),
        nn.Flatten(),
        nn.Linear(6, 3),
    ),
    **{f"momentum, {how}": lambda how=how: Momentum(how) for how in ("lerp", "data", "replaced")},
}


@pytest.mark.parametrize("model", MODELS)
def test_later_passes_start_from_what_the_first_found(model, task):
    t, u = task(MODELS[model]), task(MODELS[model])
    params = [p for p in t.model.parameters() if p.requires_grad]
    base = torch.optim.SGD(params, lr=0.1)
    opt = t.driver("sam", base, rho=0.3)
    for _ in range(4):
        opt.step(t.losses)
    theirs = [p for p in u.model.parameters() if p.requires_grad]
    by_hand(u.model, lambda _: u.losses(), theirs, steps=4, rho=0.3, moving=[u.model])
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)


@pytest.mark.parametrize("model", MODELS)
def test_radius_0_is_plain(model, task, differing):
    t, u = task(MODELS[model]), task(MODELS[model])
    for run, rule in ((t, {"variant": "sam", "rho": 0.0}), (u, {"variant": "plain"})):
        trained = [p for p in run.model.parameters() if p.requires_grad]
        opt = run.driver(
            variants.create(rule.pop("variant"), **rule), torch.optim.SGD(trained, 0.1)
        )
        for _ in range(4):
            opt.step(run.losses)
    assert differing(dict(t.model.state_dict()), dict(u.model.state_dict())) == []


@pytest.mark.parametrize("evaluation", [1, 2])
@pytest.mark.parametrize("model", MODELS)
def test_a_skipped_step_moves_nothing(model, evaluation, task):
    t = task(MODELS[model])
    trained = [p for p in t.model.parameters() if p.requires_grad]
    opt = t.driver("sam", torch.optim.SGD(trained, lr=0.1))
    for _ in range(2):
        before = {n: v.clone() for n, v in t.model.state_dict().items()}
        opt.step(t.nth(evaluation, lambda losses: losses * float("nan")))
        assert all(torch.equal(v, before[n]) for n, v in t.model.state_dict().items())
        opt.step(t.losses)


def test_a_discriminator_beside_the_model_moves_once(task):
    """In training mode, with a BatchNorm and an optimizer of its own."""

    def setup():
        t = task(lambda: nn.Linear(4, 6))
        torch.manual_seed(1)
        d = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 1)).double()
        return t, d

    (t, d), (u, e) = setup(), setup()
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0), rho=0.3)
    for _ in range(3):
        opt.step(lambda rows: F.softplus(-d(t.model(t.x[rows]))))
    by_hand(u.model, lambda _: F.softplus(-e(u.model(u.x))), list(u.model.parameters()), steps=3,
            rho=0.3, moving=[e])  # fmt: skip
    for n, v in d.state_dict().items():
        torch.testing.assert_close(v, e.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)
    assert int(d[0].num_batches_tracked) == 3
    torch.testing.assert_close(t.model.weight, u.model.weight, rtol=1e-12, atol=1e-12)
    before = copy.deepcopy(d.state_dict())
    opt.step(lambda rows: F.softplus(-d(t.model(t.x[rows]))) * float("nan"))
    assert all(torch.equal(v, before[n]) for n, v in d.state_dict().items())


def test_a_momentum_model_around_the_trained_one(task):
    """The driver knows the query encoder alone, as its optimizer does."""
    t, u = task(lambda: Momentum("data")), task(lambda: Momentum("data"))
    opt = variants.SharpnessAware(
        torch.optim.SGD(t.model.q.parameters(), 0.1), variants.create("sam", rho=0.3), t.model.q
    )
    for _ in range(3):
        opt.step(t.losses)
    by_hand(u.model, lambda _: u.losses(), list(u.model.q.parameters()), steps=3, rho=0.3,
            moving=[u.model])  # fmt: skip
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


def sync(t, opt):
    t.model = nn.SyncBatchNorm.convert_sync_batchnorm(t.model)  # of the same parameters


def head(t, opt):
    t.model[2] = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)).double()
    opt.param_groups.clear()
    opt.add_param_group({"params": t.model.parameters(), "lr": 0.1})


def appended(t, opt):
    new = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)).double()
    t.model.append(new)
    opt.add_param_group({"params": new.parameters()})


@pytest.mark.parametrize("variant", ["sam", "sam_on", "asam_on", "esam"])
@pytest.mark.parametrize("change", [head, appended])
def test_modules_that_come_after_construction(change, variant, task):
    t = task(normed)
    opt = t.driver(variant, t.sgd(momentum=0.0))
    opt.step(t.losses)
    change(t, opt)
    u = copy.deepcopy(t.model)
    opt.step(t.losses)
    u(t.x)
    assert all(torch.equal(b, dict(u.named_buffers())[n]) for n, b in t.model.named_buffers())
    before = copy.deepcopy(dict(t.model.named_buffers()))
    opt.step(t.nth(2, lambda losses: losses * float("nan")))
    assert opt.skipped == 1
    assert all(torch.equal(b, before[n]) for n, b in t.model.named_buffers())


def test_a_converted_batchnorm(task):
    t = task(lambda: nn.ModuleList([normed()]))
    t.losses = lambda rows=slice(None): t.model[0](t.x[rows]).square().mean(1)
    opt = t.driver("sam", t.sgd(momentum=0.0))
    opt.step(t.losses)

    class Mine(nn.BatchNorm1d):
        """As SyncBatchNorm, which needs a GPU: another type, the same parameters and buffers."""

    new = Mine(6).double()
    new._parameters, new._buffers = t.model[0][1]._parameters, t.model[0][1]._buffers
    t.model[0][1] = new
    opt.step(t.losses)
    assert int(new.num_batches_tracked) == 2


MODES = ["train, then eval", "eval, then train", "train at the end"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("entry", [True, False])
def test_the_mode_is_set_in_the_closure(entry, mode, task):
    """Consistency losses, teacher and student in one model."""

    def losses(t):
        def student():
            t.model.train()
            return t.losses()

        def teacher():
            t.model.eval()
            return t.model(t.x).detach().square().mean(1)

        if mode == "eval, then train":
            first = teacher()
            return student() * (1 + first)
        total = student() * (1 + teacher())
        t.model.train(mode == "train at the end")
        return total

    t, u = task(normed), task(normed)
    t.model.train(entry), u.model.train(entry)
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0), rho=0.3)
    for _ in range(3):
        opt.step(lambda: losses(t).mean())
    by_hand(u.model, lambda _: losses(u), list(u.model.parameters()), steps=3, rho=0.3,
            moving=[u.model])  # fmt: skip
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)


def test_a_criterion_made_in_the_closure_costs_no_walk(task):
    t = task(normed)
    opt = t.driver("sam")
    criterion = nn.CrossEntropyLoss
    for _ in range(3):
        opt.step(lambda rows: criterion(reduction="none")(t.model(t.x[rows]), t.y[rows]))
    assert int(t.model[1].num_batches_tracked) == 3


def test_hooks_are_gone_after_a_step(task):
    t = task(normed)
    opt = t.driver("sam")
    opt.step(t.losses)
    with pytest.raises(ZeroDivisionError):
        opt.step(lambda: 1 / 0)
    module = nn.modules.module
    assert not module._global_forward_pre_hooks and not module._global_forward_hooks


@pytest.mark.parametrize("compiled", ["torch.compile(model)", "model.compile()", "function"])
def test_compiled_models_are_compiled_once_for_all_passes(compiled, task):
    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    t = task(normed)
    forward = t.model
    if compiled == "model.compile()":
        t.model.compile(backend=backend)
    elif compiled == "torch.compile(model)":
        forward = torch.compile(t.model, backend=backend)
    else:
        forward = torch.compile(lambda x: t.model(x), backend=backend)
    opt = t.driver("sam", t.sgd(momentum=0.0, weight_decay=0.0), rho=0.3)
    for _ in range(4):
        opt.step(lambda: F.cross_entropy(forward(t.x), t.y))
    u = task(normed)
    by_hand(u.model, lambda _: u.losses(), list(u.model.parameters()), steps=4, rho=0.3,
            moving=[u.model])  # fmt: skip
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)
    assert len(graphs) <= 2  # that BatchNorm tracks is part of a graph


def test_cached_parametrizations_are_computed_anew(task):
    make = lambda: nn.Sequential(  # noqa: E731
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.Tanh(), nn.Linear(6, 3)
    )
    t, u = task(make), task(make)
    for run, cache in ((t, True), (u, False)):
        opt = run.driver("sam", rho=0.3)
        for _ in range(3):
            if cache:
                with nn.utils.parametrize.cached():
                    run.model(run.x)
                    opt.step(run.losses)
                    assert torch.equal(run.model(run.x), copy.deepcopy(run.model)(run.x))
            else:
                opt.step(run.losses)
    assert all(torch.equal(v, u.weights()[n]) for n, v in t.weights().items())


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_model_with_frozen_parts(backend, task):
    """In one graph, from the first pass on."""
    torch._dynamo.reset()
    t, u = task(normed), task(normed)
    for run in (t, u):
        run.model[0].requires_grad_(False)
        trained = [p for p in run.model.parameters() if p.requires_grad]
        forward = run.model
        if run is t:
            forward = torch.compile(run.model, backend=backend, fullgraph=True)
        opt = run.driver("sam", torch.optim.SGD(trained, lr=0.1), rho=0.3)
        for _ in range(3):
            opt.step(lambda run=run, forward=forward: F.cross_entropy(forward(run.x), run.y))
    for n, v in t.model.state_dict().items():
        torch.testing.assert_close(v, u.model.state_dict()[n], rtol=1e-12, atol=1e-12, msg=n)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_momentum_model_moves_once_a_step(backend, task):
    torch._dynamo.reset()
    t, u = task(lambda: Momentum("lerp")), task(lambda: Momentum("lerp"))
    forward = torch.compile(t.model, backend=backend)
    opt = t.driver("sam", torch.optim.SGD(t.model.q.parameters(), lr=0.1))
    for _ in range(3):
        u.model.load_state_dict(t.model.state_dict())
        opt.step(lambda: F.cross_entropy(forward(t.x), t.y))
        u.model(u.x)
        torch.testing.assert_close(t.model.k.weight, u.model.k.weight, rtol=1e-12, atol=1e-12)


def test_a_module_that_only_a_later_pass_runs(task):
    t = task(normed)
    other = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)).double()
    opt = t.driver("sam")
    opt.step(t.nth(2, lambda losses: losses * other(t.model(t.x)).square().mean(1)))
    assert int(other[0].num_batches_tracked) == 1
    assert torch._C._len_torch_dispatch_stack() == 0


def test_a_module_that_the_first_later_pass_of_a_run_runs(task):
    """After a step of one pass: what it moves is undone with a step that is not finite."""
    t = task(normed)
    other = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)).double()
    opt = t.driver("late_sam", start=0.1, options={"total_steps": 10})
    closure = t.nth(3, lambda losses: losses * other(t.model(t.x)).mean(1) / 0)
    for _ in range(2):
        opt.step(closure)
    assert opt.skipped == 1 and int(other[0].num_batches_tracked) == 0
