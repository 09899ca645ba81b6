"""What a row counts: a criterion's own mean, of the batch whole and in micro-batches."""

import re

import pytest
import torch
from torch.nn import functional as F

RATES = torch.tensor([1.0, 3.0, 0.5], dtype=torch.float64)  # of the classes
IGNORED = -100
MODES = ["exact", "m"]


def tokens(t):
    """Labels (8, 5) of as many tokens; rows have 5, 3, 1 of them or none, the last three none."""
    lengths = torch.tensor([5, 3, 1, 0, 5, 0, 0, 0])
    y = torch.randint(3, (8, 5), generator=torch.Generator().manual_seed(0))
    return torch.where(torch.arange(5) < lengths[:, None], y, IGNORED)


def logits(t, rows):
    """(rows, 3, 5): of each token another part of the input."""
    turned = torch.stack([t.x[rows].roll(i, dims=1) for i in range(5)], dim=1)
    return t.model(turned).transpose(1, 2)


def by_hand(t, mean, lr=0.1, rho=0.05, steps=3):
    """SAM with plain SGD in two passes, of a mean over the whole batch."""
    parameters = list(t.model.parameters())
    for _ in range(steps):
        w = [p.detach().clone() for p in parameters]
        grads = torch.autograd.grad(mean(), parameters)
        norm = torch.cat([g.flatten() for g in grads]).norm()
        with torch.no_grad():
            for p, g in zip(parameters, grads, strict=True):
                p.add_(rho * g / norm)
        grads = torch.autograd.grad(mean(), parameters)
        with torch.no_grad():
            for p, start, g in zip(parameters, w, grads, strict=True):
                p.copy_(start - lr * g)
    return t.weights()


def driven(t, closure, steps=3, accumulation="exact", **cut):
    base = t.sgd(momentum=0.0, weight_decay=0.0)
    opt = t.driver("sam", base, options={"accumulation": accumulation})
    losses = [opt.step(closure, **cut) for _ in range(steps)]
    assert opt.skipped == 0
    return t.weights(), losses[0]


def same(got, expected):
    for n, p in got.items():
        torch.testing.assert_close(p, expected[n], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("micro", [None, 3])
@pytest.mark.parametrize("form", ["rows", "means"])
def test_class_weights_as_in_the_criterions_own_mean(form, micro, task):
    t, u = task(), task()
    expected = by_hand(u, lambda: F.cross_entropy(u.model(u.x), u.y, weight=RATES))
    first = F.cross_entropy(task().model(t.x), t.y, weight=RATES)

    def closure(rows):
        if form == "rows":
            return F.cross_entropy(t.model(t.x[rows]), t.y[rows], reduction="none")
        return F.cross_entropy(t.model(t.x[rows]), t.y[rows], weight=RATES)

    got, losses = driven(t, closure, size=8, micro=micro, weight=RATES[t.y])
    same(got, expected)
    torch.testing.assert_close(losses.mean(), first.detach())
    assert losses.shape == ((8,) if form == "rows" else ())


@pytest.mark.parametrize("micro", [None, 1, 2, 3])
@pytest.mark.parametrize("form", ["tokens", "rows", "means"])
def test_ignored_labels_as_in_the_criterions_own_mean(form, micro, task):
    """A mean over tokens, which rows have in different numbers, and some micro-batches none."""
    t, u = task(), task()
    y = tokens(t)
    expected = by_hand(u, lambda: F.cross_entropy(logits(u, slice(None)), y))
    real = y != IGNORED

    def closure(rows):
        if form == "means":
            return F.cross_entropy(logits(t, rows), y[rows])
        losses = F.cross_entropy(logits(t, rows), y[rows], reduction="none")
        return losses if form == "tokens" else losses.sum(1) / real[rows].sum(1).clamp(min=1)

    weight = real if form == "tokens" else real.sum(1)
    got, _ = driven(t, closure, size=8, micro=micro, weight=weight)
    same(got, expected)


def test_without_it_a_mean_over_rows_is_another_objective(task):
    t, u = task(), task()
    expected = by_hand(u, lambda: F.cross_entropy(u.model(u.x), u.y, weight=RATES))
    closure = lambda rows: F.cross_entropy(  # noqa: E731
        t.model(t.x[rows]), t.y[rows], weight=RATES, reduction="none"
    )
    got, _ = driven(t, closure)
    assert max(float((p - expected[n]).abs().max()) for n, p in got.items()) > 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_numbers_of_micro_batches_are_not_guessed_at(mode, task):
    """A mean or a sum, of rows or tokens? Refused; with `weight` both modes take means."""
    t, u = task(), task()
    options = {"accumulation": mode, "size": 8}
    with pytest.raises(ValueError, match=r"one number for a micro-batch.*step\(\.\.\., weight=\)"):
        driven(t, lambda rows: t.losses(rows).mean(), micro=3, **options)
    expected, losses = driven(u, u.losses, micro=3, **options)
    got, number = driven(
        t, lambda rows: t.losses(rows).mean(), micro=3, weight=torch.ones(8), **options
    )
    same(got, expected)
    torch.testing.assert_close(number, losses.mean())
    driven(t, lambda rows: t.losses(rows).mean(), micro=8, **options)  # whole: nothing to guess


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_closure_may_zero_gradients(set_to_none, mode, task):
    """As LBFGS's closures do, between micro-batches too."""
    t, u = task(), task()
    base = t.sgd()
    opt = t.driver("sam", base, options={"accumulation": mode})
    other = u.driver("sam", options={"accumulation": mode})

    def closure(rows):
        base.zero_grad(set_to_none=set_to_none)
        return t.losses(rows)

    for _ in range(3):
        opt.step(closure, size=8, micro=3)
        other.step(u.losses, size=8, micro=3)
    same(t.weights(), u.weights())


def test_a_batch_without_any_weight_is_skipped(task):
    t = task()
    opt, w = t.driver("sam"), t.weights()
    opt.step(t.losses, weight=torch.zeros(8))
    assert opt.skipped == 1 and opt.steps == 0
    same(t.weights(), w)


@pytest.mark.parametrize("variant", ["esam", "k_sam", "m_sam"])
def test_weights_with_rules_that_select_rows(variant, task):
    """Equal weights change nothing, and what counts nothing is never in a gradient."""
    whole = {"gamma": 1.0} if variant == "esam" else {"size": 3} if variant == "m_sam" else {}
    t, u, v = task(), task(), task()
    t.driver(variant, **whole).step(t.losses, size=8)
    u.driver(variant, **whole).step(u.losses, size=8, weight=torch.full((8,), 7))
    same(t.weights(), u.weights())
    spoiled = lambda rows: torch.where(v.y[rows] == 0, float("nan"), v.losses(rows))  # noqa: E731
    opt = v.driver(variant, **whole)
    opt.step(spoiled, size=8, weight=v.y != 0)
    assert variant == "k_sam" or opt.steps == 1


BAD = {
    "another length": ({"weight": torch.ones(7), "size": 8}, "weight has 7 rows, and size=8"),
    "a number": ({"weight": 2.0}, "weight must be a tensor of what each row counts"),
    "another shape": (
        {"weight": torch.ones(8, 2)},
        "one per row, or of the shape of the losses; got losses (8,), weight (8, 2)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_weights(name, task):
    cut, message = BAD[name]
    t = task()
    with pytest.raises(ValueError, match=re.escape(message)):
        t.driver("sam").step(t.losses, **cut)
