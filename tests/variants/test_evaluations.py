"""Loops that call `backward` themselves: the same step, in bits, as with a closure."""

import builtins
import contextlib
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

import variants
from variants.driver.turns import turns

LOOKS_AT_LOSSES = {"det_sam", "esam", "frob_sam", "k_sam", "tilted_sam", "xsam"}
SOME = ["plain", "sam", "esam", "looksam", "sampa"]
LONG = {"total_steps": 5}


def norms():
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.2), nn.Linear(6, 3))


def steps(t, opt, num=4, scaler=None, **cut):
    """Loops over evaluations, whose body tells the losses."""
    for _ in range(num):
        for rows in opt.evaluations(8, **cut):
            loss = opt.loss(t.losses(rows))
            (loss if scaler is None else scaler.scale(loss)).backward()


def pair(task, variant, model=norms, **options):
    """A task stepped with closures, the other one is to be equal."""
    made = []
    for _ in range(2):
        t = task(model)
        made += [t, t.driver(variant, options={**LONG, **options})]
    return made


@pytest.mark.parametrize("variant", variants.names())
def test_every_rule_is_equal_in_bits(variant, task, differing):
    t, opt, u, loops = pair(task, variant, replay=True)
    torch.manual_seed(1)
    for _ in range(4):
        opt.step(t.losses, 8)
    torch.manual_seed(1)
    steps(u, loops)
    assert differing(t.snapshot(opt), u.snapshot(loops)) == []
    assert opt.passes == loops.passes


@pytest.mark.parametrize("variant", variants.names())
def test_a_bare_backward_does_where_a_rule_looks_at_no_losses(variant, task, differing):
    t, opt, u, loops = pair(task, variant, replay=True)
    torch.manual_seed(1)
    opt.step(t.losses, 8)
    torch.manual_seed(1)

    def bare():
        for rows in loops.evaluations(8):
            u.losses(rows).mean().backward()

    if variant not in LOOKS_AT_LOSSES:
        bare()
        assert differing(t.snapshot(opt), u.snapshot(loops)) == []
        return
    before = u.snapshot(loops)
    with pytest.raises(ValueError, match=r"on `optimizer\.loss\(losses\)`, of one loss per row"):
        bare()
    assert u.changed(before, loops) == []


CUTS = {
    "micro": ({}, {"micro": 3}),
    "m": ({"accumulation": "m"}, {"micro": 4}),
    "weight": ({}, {"micro": 3, "weight": torch.arange(8.0)}),
    "clip": ({"clip": 0.01}, {}),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("variant", SOME)
def test_micro_batches(variant, cut, task, differing):
    options, cut = CUTS[cut]
    if options.get("accumulation") == "m" and variant == "sampa":
        pytest.skip("works after the step")
    t, opt, u, loops = pair(task, variant, lambda: nn.Linear(4, 3), **options)
    for _ in range(3):
        opt.step(t.losses, 8, **cut)
    steps(u, loops, 3, **cut)
    assert differing(t.snapshot(opt), u.snapshot(loops)) == []


@pytest.mark.parametrize("variant", SOME)
def test_autocast(variant, task, differing):
    """Perturbed weights are cast anew, and rules compute in the weights' precision."""
    t, u = task(dtype=torch.float32), task(dtype=torch.float32)
    opt, loops = t.driver(variant), u.driver(variant)
    for _ in range(3):
        with torch.autocast("cpu"):
            opt.step(t.losses, 8)
        for rows in loops.evaluations(8):
            with torch.autocast("cpu"):
                loss = loops.loss(u.losses(rows))
            loss.backward()
    assert differing(t.snapshot(opt), u.snapshot(loops)) == []


def test_each_side_keeps_its_own_modes(task):
    """Also where contexts of the loop and of the step overlap."""
    t = task(dtype=torch.float32)
    opt = t.driver("sam")
    stack, grads = contextlib.ExitStack(), []
    for number, rows in enumerate(opt.evaluations(8)):
        grads.append((torch.is_grad_enabled(), torch.is_autocast_enabled("cpu")))
        opt.loss(t.losses(rows)).backward()
        if number == 0:
            stack.enter_context(torch.autocast("cpu"))
    assert grads == [(True, False), (True, True)]
    assert torch.is_autocast_enabled("cpu") and torch.is_grad_enabled()
    stack.close()
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("variant", SOME)
def test_a_scaler_skips_what_overflows(variant, task, differing):
    t, u = task(), task()
    scales = [torch.amp.GradScaler("cpu", init_scale=2.0**10) for _ in range(2)]
    opt, loops = (
        x.driver(variant, options={"scaler": s}) for x, s in zip((t, u), scales, strict=True)
    )
    for _ in range(2):
        opt.step(t.losses, 8)
    steps(u, loops, 2, scales[1])
    opt.step(lambda rows: t.losses(rows) * float("inf"), 8)
    for rows in loops.evaluations(8):
        scales[1].scale(loops.loss(u.losses(rows) * float("inf"))).backward()
    assert loops.skipped == 1 and scales[1].get_scale() == 2.0**9
    assert differing(t.snapshot(opt), u.snapshot(loops)) == []


def leaves_by_break(t, opt):
    for number, rows in enumerate(opt.evaluations(8)):
        if number == 1:
            break
        opt.loss(t.losses(rows)).backward()


def leaves_by_return(t, opt):
    for number, rows in enumerate(opt.evaluations(8)):
        if number == 1:
            return
        opt.loss(t.losses(rows)).backward()


def leaves_by_an_exception(t, opt):
    with pytest.raises(ZeroDivisionError):
        for number, rows in enumerate(opt.evaluations(8)):
            opt.loss(t.losses(rows)).backward()
            if number == 1:
                1 / 0  # noqa: B018


def leaves_an_iterator_behind(t, opt):
    kept = opt.evaluations(8)
    rows = next(kept)
    opt.loss(t.losses(rows)).backward()
    next(kept)
    next_one = opt.evaluations(8)  # starts with the old one undone
    next_one.close()
    assert list(kept) == []


WAYS = [leaves_by_break, leaves_by_return, leaves_by_an_exception, leaves_an_iterator_behind]


@pytest.mark.parametrize("way", WAYS, ids=lambda w: w.__name__)
def test_leaving_early_undoes_the_step(way, task):
    t = task(norms)
    opt = t.driver("sam")
    steps(t, opt, 1)
    before = t.snapshot(opt)
    opt.zero_grad()
    way(t, opt)
    assert t.changed(before, opt) == []
    opt.zero_grad()
    steps(t, opt, 1)
    assert opt.steps == 2


def test_loops_of_two_optimizers_nest(task, differing):
    t, opt, u, loops = pair(task, "sam")
    other = torch.nn.Linear(3, 1).double()
    inner = variants.SharpnessAware(
        torch.optim.SGD(other.parameters(), lr=0.1), variants.create("sam"), other
    )
    opt.step(t.losses, 8)
    for rows in loops.evaluations(8):
        for _ in inner.evaluations():
            inner.loss(other(torch.eye(3).double()).square()).backward()
        loops.loss(u.losses(rows)).backward()
    assert inner.steps == 2 and loops.steps == 1


def test_contexts_of_the_body(task, differing):
    t, opt, u, loops = pair(task, "sam", lambda: nn.Linear(4, 3))
    opt.step(t.losses, 8)
    for rows in loops.evaluations(8):
        with torch.no_grad():
            u.losses(rows)
            with torch.enable_grad():
                loss = loops.loss(u.losses(rows))
        loss.backward()
    assert differing(t.snapshot(opt), u.snapshot(loops)) == []


@pytest.mark.parametrize("variant", ["sam", "esam"])
def test_a_compiled_model(variant, task, differing):
    t, opt, u, loops = pair(task, variant, replay=True)
    compiled = torch.compile(u.model, backend="aot_eager")
    for _ in range(3):
        torch.manual_seed(1)
        opt.step(t.losses, 8)
        torch.manual_seed(1)
        for rows in loops.evaluations(8):
            found = F.cross_entropy(compiled(u.x[rows]), u.y[rows], reduction="none")
            loops.loss(found).backward()
    for name, w in t.weights().items():
        torch.testing.assert_close(u.weights()[name], w, rtol=1e-12, atol=1e-12)
    assert opt.passes == loops.passes


def test_step_may_follow_and_schedulers_count_it(task):
    t = task()
    opt = t.driver("sam")
    schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            steps(t, opt, 1)
            opt.step()
            schedule.step()
            opt.zero_grad()
    assert opt.steps == 2
    with pytest.raises(TypeError, match="step needs the loss"):
        opt.step()


def looped(t, opt):
    steps(t, opt, 1)


def looped_and_stepped(t, opt):
    steps(t, opt, 1)
    opt.step()


def called(t, opt):
    opt.step(t.losses, 8)


@pytest.mark.parametrize("way", [looped, looped_and_stepped, called], ids=lambda w: w.__name__)
def test_hooks_on_step_run_once_a_step(way, task):
    t = task()
    opt = t.driver("sam")
    ran = []
    opt.register_step_pre_hook(lambda *_: ran.append("before"))
    opt.register_step_post_hook(lambda *_: ran.append("after"))
    opt.base.register_step_post_hook(lambda *_: ran.append("base"))
    everywhere = register_optimizer_step_post_hook(
        lambda taken, *_: ran.append("any") if taken is opt else None
    )
    try:
        way(t, opt)
        opt.zero_grad()
        way(t, opt)
    finally:
        everywhere.remove()
    assert ran == ["before", "base", "after", "any"] * 2


def test_hooks_of_two_calls_run_once_a_step(task):
    t = task()
    opt = variants.SAM(t.model.parameters(), torch.optim.SGD, lr=0.1)
    ran = []
    opt.register_step_post_hook(lambda *_: ran.append("after"))
    t.mean().backward()
    opt.first_step()
    t.mean().backward()
    opt.second_step()
    assert ran == ["after"]
    t.mean().backward()
    opt.step(lambda: t.mean().backward())
    assert ran == ["after"] * 2


def test_the_direction_stays_and_clipping_it_is_told(task):
    t = task()
    opt = t.driver("plain")
    t.mean().backward()
    expected = [p.grad.clone() for p in t.model.parameters()]
    opt.zero_grad()
    steps(t, opt, 1)
    for p, g in zip(t.model.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, g)
    torch.nn.utils.clip_grad_norm_(t.model.parameters(), float("inf"))
    opt.step()  # asked for the norm alone
    opt.zero_grad()
    steps(t, opt, 1)
    torch.nn.utils.clip_grad_norm_(t.model.parameters(), 0.01)
    with pytest.raises(ValueError, match=r"gradients were changed .* clip=1\.0"):
        opt.step()
    steps(t, opt, 1)
    assert opt.steps == 3


def test_evaluations_are_numbered(task):
    t = task(lambda: nn.Linear(4, 3))
    opt = t.driver("multi_step_sam")
    seen = []
    for rows in opt.evaluations(8):
        seen.append(opt.evaluation)
        opt.loss(t.losses(rows)).backward()
    opt.zero_grad()
    assert seen == [0, 1, 2, 3] and opt.evaluation is None
    m = t.driver("sam", options={"accumulation": "m"})
    m.step(lambda rows: seen.append(m.evaluation) or t.losses(rows), 8, 4)
    assert seen[4:] == [0, 1, 0, 1]


def test_it_resumes_in_bits(task, differing):
    t, opt, u, loops = pair(task, "looksam", lambda: nn.Linear(4, 3))
    steps(t, opt, 4)
    steps(u, loops, 2)
    loops.zero_grad()
    again = u.driver("looksam", options=LONG)
    again.load_state_dict(loops.state_dict())
    steps(u, again, 2)
    assert differing(t.snapshot(opt), u.snapshot(again)) == []


def forgets_backward(t, opt):
    for rows in opt.evaluations(8):
        t.losses(rows)


def tells_too_late(t, opt):
    steps(t, opt, 1)
    opt.loss(t.losses())


def weighs_without_losses(t, opt):
    for rows in opt.evaluations(8, weight=torch.arange(8.0)):
        t.losses(rows).mean().backward()


def tells_other_rows(t, opt):
    for _ in opt.evaluations(8, micro=4):
        opt.loss(t.losses()).backward()


def steps_by_a_scaler(t, opt):
    scaler = torch.amp.GradScaler("cpu")
    steps(t, opt, 1, scaler)
    scaler.step(opt)


MISTAKES = [
    (steps_by_a_scaler, r"a GradScaler called step, .*give it to SharpnessAware\(\.\.\., scaler="),
    (forgets_backward, r"no gradient arrived: .* call backward\(\) on its loss, every time"),
    (tells_too_late, r"loss\(\) belongs into the body of `for rows in"),
    (weighs_without_losses, r"losses are needed, by this rule or for the weights"),
    (tells_other_rows, "returned 8 losses for 4 rows"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=lambda m: getattr(m, "__name__", ""))
def test_mistakes_are_told(mistake, message, task):
    t = task()
    with pytest.raises(ValueError, match=message):
        mistake(t, t.driver("sam"))


def test_it_says_what_to_install(task, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name == "greenlet":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install greenlet"):
        next(task().driver("sam").evaluations())


def test_a_discriminator_receives_the_first_gradient_alone(task):
    """Whether the loop tells its losses or not, as from one backward pass."""
    for tells in (True, False):
        t, other = task(lambda: nn.Linear(4, 3)), nn.Linear(3, 1).double()
        other(t.model(t.x)).mean().backward()
        expected = other.weight.grad.clone()
        other.zero_grad()
        opt = t.driver("sam")
        t.model.zero_grad()
        for rows in opt.evaluations(8):
            losses = other(t.model(t.x[rows])).flatten()
            (opt.loss(losses) if tells else losses.mean()).backward()
        torch.testing.assert_close(other.weight.grad, expected)


def test_turns_hand_on_what_fails():
    def work(ask):
        ask(1)
        raise KeyError("inside")

    seen = []
    with pytest.raises(KeyError, match="inside"):
        for x in turns(work):
            seen.append(x)
    assert seen == [1]
