"""Steps replayed from graphs are the steps of the driver, bit for bit in float64.

CUDA graphs are stood in for by a tape of operators, see `variants.testing.tape`; test_gpu.py asks
the same of real ones.
"""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

import variants
from variants.driver.descent import Descent
from variants.testing import problem
from variants.testing.tape import Tape

NAMES = variants.names()
SOME = ("sam", "looksam", "eigen_sam", "momentum_sam", "ae_sam", "sampa")
BASES = {
    "sgd": partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.01, fused=True),
    "plain sgd": partial(torch.optim.SGD, lr=0.05, fused=True),
    "adamw": partial(torch.optim.AdamW, lr=0.01, fused=True),
}


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch):
    """There, nobody waits for a fused optimizer."""

    def waits(self, device):
        return bool(self.base.defaults.get("momentum")) and not self.base.state

    monkeypatch.setattr(Descent, "waits", waits)


class Course:
    """Steps over batches of 8, by the driver alone or by graphs; the rate changes every step."""

    def __init__(
        self, training, variant, *, graphed, base="sgd", micro=None, model=None, **options
    ):
        model = copy.deepcopy(model)
        options = {"dtype": torch.float64, "base": BASES[base], "model": model} | options
        self.t = training(variant, **options)
        self.opt, self.micro = self.t.opt, micro
        self.graphed = None
        if graphed:
            self.graphed = variants.Graphed(self.opt, self.losses, micro=micro, recorder=Tape)
        self.seen = []

    def losses(self, x, y):
        found = F.cross_entropy(self.t.model(x), y, reduction="none")
        return found, 2 * found.detach()

    def step(self, rows=8, weight=1.0):
        number = len(self.seen)
        for group in self.opt.param_groups:
            group["lr"] = (number % 5 + 1) / 64
        x = self.t.x[number % 16, :rows] * weight
        y = self.t.y[number % 16, :rows]
        if self.graphed:
            losses = self.graphed(x, y)
        else:
            losses = self.opt.step(lambda r: self.losses(x[r], y[r]), size=rows, micro=self.micro)
        last = {k: torch.as_tensor(v).clone() for k, v in self.opt.last.items()}
        self.seen.append({"losses": losses, "aux": self.opt.aux.clone(), **last})
        return self

    def steps(self, number, **options):
        for _ in range(number):
            self.step(**options)
        return self

    def everything(self, settings):
        saved = self.opt.state_dict()
        parts = {"model": self.t.model.state_dict(), "base": saved["state"]}
        parts |= {"mine": {k: v for k, v in saved["sharpness"].items() if k != "variant"}}
        parts |= {"seen": dict(enumerate(self.seen))}
        parts["mine"] |= {
            "accumulation": 0,
            "ascent": 0,
            "state": saved["sharpness"]["state"] or {},
        }
        return settings.flat(parts)


@pytest.fixture
def pair(training, settings):
    """The same course twice, and a check that both went the same way."""

    class Pair:
        def __init__(self, variant, **options):
            make = partial(Course, training, variant, **options)
            self.eager, self.graph = make(graphed=False), make(graphed=True)

        def each(self, act):
            for course in (self.eager, self.graph):
                torch.manual_seed(len(course.seen))
                act(course)
            return self

        def check(self, captures=None):
            wanted, found = (c.everything(settings) for c in (self.eager, self.graph))
            assert wanted.keys() == found.keys()
            same = partial(torch.allclose, rtol=0, atol=0, equal_nan=True)
            assert [k for k, v in wanted.items() if v.dtype != found[k].dtype] == []
            assert [k for k, v in wanted.items() if not same(v, found[k])] == []
            assert float(self.graph.t.moved().norm()) > 0
            if captures is not None:
                assert self.graph.graphed.captures == captures
            return self

    return Pair


@pytest.mark.parametrize("name", NAMES)
def test_every_variant(name, pair):
    p = pair(name).each(lambda c: c.steps(7)).check()
    assert p.graph.graphed.captures > 0


@pytest.mark.parametrize("base", ["plain sgd", "adamw"])
@pytest.mark.parametrize("name", SOME)
def test_every_base(name, base, pair):
    if name == "momentum_sam" and base == "plain sgd":
        pytest.skip("needs momentum")
    pair(name, base=base).each(lambda c: c.steps(7)).check()


class Encoder(nn.Module):
    """A model beside which a mean of outputs moves, at a step's first evaluation alone."""

    def __init__(self):
        super().__init__()
        self.model = problem.Tiny()
        self.register_buffer("mean", torch.zeros(3, dtype=torch.float64))

    def forward(self, x):
        return self.model(x)


@pytest.mark.parametrize("by_pass", [False, True])
@pytest.mark.parametrize("name", ["multi_step_sam", "ae_sam", "sampa"])
def test_a_closure_may_ask_which_evaluation_it_is(name, by_pass, pair):
    """Of another loss in each, and of what moves in the first: also where graphs are replayed."""
    p = pair(name, model=Encoder(), replay=by_pass)
    for course in (p.eager, p.graph):

        def losses(x, y, c=course):
            logits, number = c.t.model(x), c.opt.evaluation
            if number == 0:
                c.t.model.mean.mul_(0.9).add_(logits.detach().mean(0))
            found = (1 + number) * F.cross_entropy(logits, y, reduction="none")
            return found, 2 * found.detach()

        course.losses = losses
        if course.graphed:
            course.graphed = variants.Graphed(course.opt, losses, recorder=Tape)
    p.each(lambda c: c.steps(9)).check()
    assert p.graph.graphed.captures > 0 and p.graph.t.model.mean.abs().sum() > 0


# --- what changes from step to step


def test_schedules_need_no_new_graph(pair):
    def act(course):
        schedule = lr_scheduler.CosineAnnealingLR(course.opt, T_max=8)
        for i in range(8):
            course.opt.param_groups[0]["rho"] = 0.01 * (i + 1)
            course.step()
            schedule.step()

    pair("sam").each(act).check(captures=1)


def test_a_radius_that_is_a_tensor(pair):
    rho = torch.tensor(0.0, dtype=torch.float64)

    def act(course):
        for i in range(6):
            rho.fill_(0.02 * i)
            course.step()

    pair(variants.create("asam", rho=rho)).each(act).check()


def test_other_options_are_never_stale(pair):
    def act(course):
        for decay in (0.1, 0.1, 0.1, 0.2, 0.3, 0.1, 0.2, 0.2):
            course.opt.param_groups[0]["weight_decay"] = decay
            course.step()

    pair("sam").each(act).check(captures=2)


def test_a_smaller_last_batch(pair):
    def act(course):
        for _ in range(3):
            course.steps(2).step(rows=5)

    pair("esam").each(act).check(captures=2)


def test_metrics_on_request(pair):
    def act(course):
        for i in range(8):
            course.opt.metrics = i % 4 == 3
            course.step()

    pair("gsam").each(act).check()


def test_steps_of_the_driver_in_between(pair):
    def act(course):
        graphed = course.graphed
        course.steps(4)
        course.graphed = None
        course.steps(2)
        course.graphed = graphed
        course.steps(2)

    pair("friendly_sam").each(act).check()


def test_parameters_that_begin_to_train(pair):
    def act(course):
        first = course.t.model.first.weight.requires_grad_(False)
        course.steps(4)
        first.requires_grad_(True)
        course.steps(4)

    pair("vasso", base="adamw").each(act).check()


@pytest.mark.parametrize("name", ["vasso", "sam", "ae_looksam", "sampa"])
def test_a_step_that_is_not_finite(name, pair):
    def act(course):
        course.steps(4).step(weight=float("nan")).steps(3)
        assert course.opt.skipped == 1

    pair(name, model=normed()).each(act).check()


# --- what surrounds a step


def normed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 3))


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("name", ["sam", "m_sam", "rst", "sampa"])
def test_batchnorm_and_dropout(name, replay, pair):
    p = pair(name, model=normed(), replay=replay).each(lambda c: c.steps(6)).check()
    first, second = (s["losses"] for s in p.graph.seen[-2:])
    assert not torch.equal(first, second)


@pytest.mark.parametrize("accumulation", ["exact", "m"])
@pytest.mark.parametrize("name", ["sam", "looksam", "ae_sam"])
def test_micro_batches(name, accumulation, pair):
    pair(name, micro=3, accumulation=accumulation).each(lambda c: c.steps(6)).check()


@pytest.mark.parametrize("name", ["sam", "wsam", "ae_sam"])
def test_clipping(name, pair):
    pair(name, clip=0.1).each(lambda c: c.steps(6)).check()


@pytest.mark.parametrize("name", ["sam", "ae_sam", "sampa"])
def test_a_loss_scale(name, pair):
    def act(course):
        course.opt._descent.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        course.steps(4).step(weight=float("inf")).steps(4)
        assert course.opt.skipped == 1
        assert course.opt._descent.scaler.get_scale() == 2.0**9

    pair(name, model=normed()).each(act).check()


@pytest.mark.parametrize("name", ["sam", "m_sam", "ae_sam"])
def test_autocast(name, pair):
    def act(course):
        with torch.autocast("cpu", torch.bfloat16):
            course.steps(4)
        course.steps(2)
        with torch.autocast("cpu", torch.bfloat16):
            course.steps(2)

    pair(name, dtype=torch.float32).each(act).check()


def test_recorded_noise(pair, settings):
    pair("random_sam", noise=settings.constant).each(lambda c: c.steps(5)).check()


@pytest.mark.parametrize("name", SOME)
def test_resumes_in_the_middle(name, pair, settings):
    p = pair(name).each(lambda c: c.steps(8))
    fresh = pair(name).graph
    half = pair(name).each(lambda c: c.steps(4)).graph
    model, opt = copy.deepcopy((dict(half.t.model.state_dict()), half.opt.state_dict()))
    for course in (fresh, pair(name).graph.steps(5)):  # the second one has graphs to forget
        course.t.model.load_state_dict(model)
        course.opt.load_state_dict(copy.deepcopy(opt))
        course.seen = list(half.seen)
        course.steps(4)
        p.graph = course
        p.check()


# --- what is refused


def losses(x, y):
    return (x - y).square().mean(1)


@pytest.fixture
def linear(task):
    t = task(lambda: nn.Linear(4, 3))

    def graphed(variant="sam", base=None, recorder=Tape, **options):
        opt = t.driver(variant, base or t.sgd(fused=True), options)
        return variants.Graphed(opt, lambda x, y: losses(t.model(x), y), recorder=recorder)

    graphed.task = t
    return graphed


def test_a_cpu_has_no_graphs(linear):
    with pytest.raises(ValueError, match="need a CUDA device, got cpu"):
        linear(recorder=None)


@pytest.mark.parametrize("base", [torch.optim.SGD, torch.optim.NAdam])
def test_bases_that_ask_the_host(base, linear):
    with pytest.raises(ValueError, match="SGD, Adam or AdamW with fused=True, got"):
        linear(base=base(linear.task.model.parameters(), lr=0.1))
    variant = variants.create("rst")
    assert linear(variant, base=base(linear.task.model.parameters(), lr=0.1))


@pytest.mark.parametrize("batch", [(), (torch.zeros(()),), (torch.zeros(2), 3)])
def test_a_batch_is_tensors_with_rows(batch, linear):
    with pytest.raises(ValueError, match="a batch is tensors with a row per sample"):
        linear()(*batch)


def test_a_loss_that_waits_for_the_device(linear):
    t = linear.task
    step = linear()
    step._losses = lambda x, y: losses(t.model(x), y) * float(x.sum())
    x, y = torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 3, dtype=torch.float64)
    step(x, y), step(x, y)
    before = t.snapshot(step.optimizer)
    with pytest.raises(RuntimeError, match="this step cannot be captured: aten::_local_scalar"):
        step(x, y)
    assert t.changed(before, step.optimizer) == []


def test_a_first_step_that_is_skipped_leaves_no_junk(task):
    """Fused kernels make the momentum before they look whether to write it."""
    t = task()
    opt = t.driver("plain", t.sgd(fused=True), {"scaler": torch.amp.GradScaler("cpu")})
    opt.step(lambda: t.losses() * float("inf"))
    assert opt.skipped == 1 and not opt.base.state


# --- the tape itself


@pytest.mark.parametrize(
    "work",
    [
        lambda t: t * float(t.sum()),
        lambda t: t[t > 0],
        lambda t: t.nonzero(),
        lambda t: t + torch.tensor(2.0),
        lambda t: torch.rand(3, generator=torch.Generator()),
    ],
)
def test_a_tape_refuses_what_a_capture_does(work):
    t = torch.ones(3)
    with pytest.raises(RuntimeError, match="in a capture"):
        Tape().record(lambda: work(t))


def test_a_tape_bakes_numbers_in_and_reads_memory_anew():
    factor, t, total = 2.0, torch.ones(2), torch.zeros(2)

    def work():
        total.add_(factor * t)
        return total * 10

    replay, result = Tape().record(work)
    assert torch.equal(total, torch.zeros(2)) and result.isnan().all()
    factor, before = 3.0, t
    t.fill_(5.0)
    t = torch.zeros(2)
    replay()
    assert torch.equal(total, 2 * before) and torch.equal(result, 10 * total)


def test_a_replay_ruins_the_results_of_others():
    tape, t = Tape(), torch.ones(2)
    (first, a), (second, b) = (tape.record(lambda k=k: t * k) for k in (2, 3))
    first()
    assert torch.equal(a, 2 * t)
    second()
    assert torch.equal(b, 3 * t) and a.isnan().all()


class Bank(nn.Module):
    """A queue that feeds the output, and a moving average that `forward` moves."""

    def __init__(self):
        super().__init__()
        self.net, self.mean = nn.Linear(5, 3), nn.Linear(5, 3).requires_grad_(False)
        self.register_buffer("queue", torch.ones(3))

    def forward(self, x):
        with torch.no_grad():
            for mean, p in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(p, 0.1)
        out = self.net(x) * self.queue.clone() + self.mean(x)
        self.queue.mul_(0.5).add_(out.detach().mean(0))
        return out


@pytest.mark.parametrize("variant", ["sam", "rst", "sampa"])
def test_what_feeds_the_output(variant, pair):
    torch.manual_seed(0)
    pair(variant, model=Bank()).each(lambda c: c.steps(8)).check()


@pytest.mark.parametrize("variant", ["sam", "rst"])
def test_a_module_beside_the_model(variant, training):
    """Met in the first steps, and held in the replays."""
    found = []
    for graphed in (False, True):
        torch.manual_seed(0)
        other = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)).double()
        course = Course(training, variant, graphed=False)
        inner = course.t.model

        def losses(x, y, inner=inner, other=other):
            found = F.cross_entropy(other(inner(x)), y, reduction="none")
            return found, 2 * found.detach()

        course.losses = losses
        if graphed:
            course.graphed = variants.Graphed(course.opt, losses, recorder=Tape)
        course.steps(8)
        found.append({**other.state_dict(), **inner.state_dict()})
    assert all(torch.equal(v, found[1][n]) for n, v in found[0].items())
    assert int(found[1]["0.num_batches_tracked"]) == 8
