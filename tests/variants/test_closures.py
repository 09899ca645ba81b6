"""What the closure may look like and return, and the batch cut into micro-batches."""

import functools
import re

import pytest
import torch
from torch.nn import functional as F

VARIANTS = ["plain", "sam", "asam", "looksam", "tensor_sum_sam"]


def trained(task, variant, closure, steps=3, **cut):
    t = task()
    opt = t.driver(variant)
    for _ in range(steps):
        losses = opt.step(closure(t), **cut)
    return t.weights(), losses, opt


FORMS = {
    "no argument": lambda t: lambda: t.losses(),
    "scalar": lambda t: lambda: t.mean(),
    "scalar with rows": lambda t: lambda rows: t.losses(rows).mean(),
    "with aux": lambda t: lambda rows: (t.losses(rows), "aux"),
    "method": lambda t: t.losses,
    "partial": lambda t: functools.partial(lambda x, rows: t.losses(rows), t.x),
    "any arguments": lambda t: lambda *rows: t.losses(*rows),
    "captured by default": lambda t: lambda x=t.x, y=t.y: F.cross_entropy(t.model(x), y),
    "keywords": lambda t: lambda **kwargs: t.losses(),
    "two more dimensions": lambda t: lambda rows: t.losses(rows)[:, None, None].expand(-1, 2, 3),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_forms_of_a_closure_are_equal(variant, form, task):
    expected, *_ = trained(task, variant, lambda t: lambda rows: t.losses(rows))
    got, losses, _ = trained(task, variant, FORMS[form])
    assert losses.shape == (
        () if form in ("scalar", "scalar with rows", "captured by default") else (8,)
    )
    assert not losses.requires_grad
    for n, p in got.items():
        torch.testing.assert_close(p, expected[n], rtol=1e-12, atol=1e-12)


def test_whole_batches_come_as_a_slice_and_selections_as_int64(task):
    t, seen = task(), []
    t.driver("esam", gamma=0.5).step(lambda rows: seen.append(rows) or t.losses(rows))
    assert seen[:2] == [slice(None), slice(None)]
    assert seen[2].dtype == torch.int64 and seen[2].shape == (3,)


def test_losses_and_aux_are_those_of_the_first_evaluation(task):
    t, count = task(), iter(range(9))
    expected = t.losses().detach()
    opt = t.driver("sam", rho=0.5)
    losses = opt.step(lambda rows: (t.losses(rows), next(count)))
    assert torch.equal(losses, expected) and opt.aux == 0


def test_gradients_are_enabled_only_where_needed(task):
    t, enabled = task(), []
    with torch.no_grad():
        t.driver("esam").step(
            lambda rows: enabled.append(torch.is_grad_enabled()) or t.losses(rows)
        )
    assert enabled == [True, False, True]


BAD = {
    "nothing": (lambda t, rows: None, "sam", "must return a tensor of losses, got NoneType"),
    "a number": (lambda t, rows: t.mean().item(), "sam", "got float"),
    "a list": (lambda t, rows: list(t.losses(rows)), "sam", "got list"),
    "three things": (lambda t, rows: (t.losses(rows), 1, 2), "sam", "losses, aux.*3"),
    "detached": (lambda t, rows: t.losses(rows).detach(), "sam", "do not depend on"),
    "no losses": (lambda t, rows: t.losses(rows)[:0], "sam", "no losses"),
    "integers": (lambda t, rows: t.y[rows], "sam", "floating point"),
    "backward done": (lambda t, rows: t.mean().backward() or t.losses(rows), "sam", "backward"),
    "a logit for the loss": (
        lambda t, rows: (t.model(t.x[rows]), t.losses(rows).mean()),
        "sam",
        r"may both be the loss, of shapes \(8, 3\) and \(\): .*the losses first and aux.detach",
    ),
    "two losses": (lambda t, rows: (t.losses(rows), t.losses(rows)), "sam", "may both be the loss"),
    "a dict": (lambda t, rows: {"loss": t.mean()}, "sam", "got dict; return its loss"),
    "one loss kept as a row": (
        lambda t, rows: t.losses(rows).mean(0, keepdim=True),
        "esam",
        r"returned 1 for the whole batch: return one per row \(reduction='none'\)",
    ),
    "a mean for rows": (lambda t, rows: t.losses(rows).mean(), "esam", "takes? rows|reduction"),
    "rows ignored": (lambda t, rows: t.losses(), "esam", "8 losses for 3 rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_returns_are_one_clear_line(name, task):
    closure, variant, message = BAD[name]
    t = task()
    opt = t.driver(variant)
    before = t.snapshot(opt)
    with pytest.raises(ValueError, match=message) as caught:
        opt.step(lambda rows: closure(t, rows))
    assert "\n" not in str(caught.value)
    assert t.changed(before, opt) == []
    assert all(p.grad is None for p in t.model.parameters())


def test_rows_are_selected_among_the_losses_of_rows(task):
    """Not among tokens, nor in a batch of one loss; a batch of one row says so."""
    t = task()
    with pytest.raises(ValueError, match="returned 24 for 8 rows: return one per row"):
        t.driver("k_sam").step(lambda rows: t.model(t.x[rows]).flatten(), size=8)
    with pytest.raises(ValueError, match="returned 1 for 8 rows"):
        t.driver("k_sam").step(lambda rows: t.losses(rows).mean(0, keepdim=True), size=8)
    t.driver("k_sam").step(lambda rows: t.losses()[:1], size=1)


def test_aux_keeps_no_graph(task):
    t = task()
    opt = t.driver("sam")
    opt.step(lambda rows: (t.losses(rows), {"logits": [t.model(t.x[rows])]}))
    assert not opt.aux["logits"][0].requires_grad
    opt.step(lambda: (t.mean(), t.model(t.x)))
    assert opt.aux.shape == (8, 3) and not opt.aux.requires_grad


def test_a_closure_without_rows_cannot_be_selected_from(task):
    t = task()
    with pytest.raises(ValueError, match="must take rows"):
        t.driver("esam").step(lambda: t.losses())


@pytest.mark.parametrize("micro", [1, 2, 3, 5, 8, 99])
@pytest.mark.parametrize("variant", [*VARIANTS, "esam"])
def test_micro_batches_equal_the_big_batch(variant, micro, task):
    """Also with an uneven last one (8 = 3 + 3 + 2 = 5 + 3), and for rows that ESAM selects."""
    expected, losses, big = trained(task, variant, lambda t: lambda rows: t.losses(rows))
    got, cut, small = trained(task, variant, lambda t: t.losses, size=8, micro=micro)
    torch.testing.assert_close(cut, losses, rtol=1e-12, atol=1e-12)
    for n, p in got.items():
        torch.testing.assert_close(p, expected[n], rtol=1e-12, atol=1e-12)
    assert small.last["passes"] == pytest.approx(big.last["passes"])


def test_a_micro_batch_is_never_larger_and_every_row_comes_once_a_pass(task):
    t, seen = task(), []
    t.driver("sam").step(lambda rows: seen.append(rows) or t.losses(rows), size=8, micro=3)
    assert [len(r) for r in seen] == [3, 3, 2] * 2
    assert torch.cat(seen).tolist() == [*range(8)] * 2


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ({"micro": 0, "size": 8}, "micro needs size and must be >= 1, got micro=0 and size=8"),
        ({"micro": 2}, "micro needs size and must be >= 1, got micro=2 and size=None"),
    ],
)
def test_bad_cuts(cut, message, task):
    t = task()
    with pytest.raises(ValueError, match=re.escape(message)):
        t.driver("sam").step(t.losses, **cut)
    with pytest.raises(ValueError, match="closure\\(rows\\)"):
        t.driver("sam").step(lambda: t.losses(), size=8, micro=2)
    with pytest.raises(ValueError, match="8 losses for 2 rows"):
        t.driver("sam").step(lambda rows: t.losses(), size=8, micro=2)
