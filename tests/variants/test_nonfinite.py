"""A non-finite pass skips the step: nothing changes, and training goes on after it."""

import pytest
import torch
from torch import nn

from variants import Update

SKIPPED = ["/opt/sharpness/passes", "/opt/sharpness/skipped"]
TWICE = ["sam", "asam", "esam", "tensor_sum_sam"]
BAD = {
    "nan loss": lambda losses: losses * float("nan"),
    "inf loss": lambda losses: losses + float("inf"),
    "one inf": lambda losses: losses + torch.eye(len(losses))[0] / 0,
    "inf gradient only": lambda losses: losses + (losses - losses).sqrt(),
}


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(
    ("variant", "evaluation"),
    [("plain", 1), ("looksam", 1), *((v, i) for v in TWICE for i in (1, 2))],
)
def test_skipped_without_a_trace(variant, evaluation, bad, task):
    t = task(normed)
    opt = t.driver(variant)
    if bad == "inf gradient only" and variant == "esam" and evaluation == 2:
        pytest.skip("esam's second evaluation is forward only")
    for _ in range(2):
        opt.step(t.losses)
    before = t.snapshot(opt)
    opt.step(t.nth(evaluation, BAD[bad]))
    assert t.changed(before, opt) == SKIPPED and opt.skipped == 1 and opt.steps == 2
    assert all(p.grad is None for p in t.model.parameters())
    opt.step(t.losses)
    assert opt.steps == 3 and all(p.isfinite().all() for p in t.model.parameters())


@pytest.mark.parametrize("variant", ["sam", "looksam", "esam"])
def test_the_run_goes_on_as_if_the_bad_batch_had_not_been(variant, task, differing):
    t, u = task(normed), task(normed)
    opt, clean = t.driver(variant), u.driver(variant)
    for i in range(6):
        opt.step(t.losses)
        clean.step(u.losses)
        if i == 2:
            opt.step(t.nth(1, BAD["nan loss"]))
    assert differing(t.snapshot(opt), u.snapshot(clean)) == SKIPPED


def test_a_bad_pass_counts_even_if_the_direction_forgets_it(task, probe):
    t = task()

    def rule(oracle, state):
        first, second = oracle.grad(), oracle.grad()
        return Update(second.grads), {"seen": first.grads["0.weight"]}

    opt = t.driver(probe(rule=rule, start=lambda p: {"seen": torch.zeros_like(p["0.weight"])}))
    opt.step(t.losses)
    before = t.snapshot(opt)
    opt.step(t.nth(1, BAD["inf gradient only"]))
    assert t.changed(before, opt) == SKIPPED


def test_a_huge_but_finite_gradient_is_not_perturbed_by_nan(task):
    t = task(dtype=torch.float32)
    opt = t.driver("sam")
    opt.step(lambda rows: t.losses(rows) * 1e18)
    assert opt.skipped == 0 and opt.last["radius"].isfinite()
