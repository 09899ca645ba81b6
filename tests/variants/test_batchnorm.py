"""Statistics of normalisation layers move once a step, exactly as plain training moves them."""

import pytest
import timm.layers
import torch
from torch import nn


def image(norm):
    """Rows of 4 -> (3, 2, 2) images -> norm -> logits."""
    return lambda: nn.Sequential(
        nn.Linear(4, 12), nn.Unflatten(1, (3, 2, 2)), norm(), nn.Flatten(), nn.Linear(12, 3)
    )


def flat_norm(norm):
    return lambda: nn.Sequential(nn.Linear(4, 6), norm(), nn.Linear(6, 3))


class Counting(nn.Module):
    """Statistics of no known type: moved in place, replaced, and created at the first forward."""

    def __init__(self):
        super().__init__()
        self.register_buffer("inplace", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(()))
        self.register_buffer("late", None)

    def forward(self, x):
        self.inplace.add_(x.detach().mean())
        self.replaced = self.replaced + x.detach().std()
        self.late = x.detach().mean(0) + (0 if self.late is None else self.late)
        return x


MODELS = {
    "BatchNorm1d": flat_norm(lambda: nn.BatchNorm1d(6)),
    "BatchNorm2d": image(lambda: nn.BatchNorm2d(3)),
    "cumulative": image(lambda: nn.BatchNorm2d(3, momentum=None)),
    "InstanceNorm2d": image(lambda: nn.InstanceNorm2d(3, track_running_stats=True)),
    "BatchNormAct2d": image(lambda: timm.layers.BatchNormAct2d(3)),
    "spectral_norm": lambda: nn.Sequential(
        nn.utils.parametrizations.spectral_norm(nn.Linear(4, 6)), nn.Linear(6, 3)
    ),
    "counting": flat_norm(Counting),
}
VARIANTS = ["plain", "sam", "asam", "esam", "looksam", "tensor_sum_sam"]


def test_the_cases_do_keep_statistics(task):
    for name, model in MODELS.items():
        t = task(model)
        before = t.buffers()
        t.mean()
        assert before.keys() != t.buffers().keys() or any(
            not torch.equal(b, before[n]) for n, b in t.buffers().items()
        ), name


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("model", MODELS)
def test_moved_once_as_by_one_forward_pass_at_w(model, variant, task, differing):
    t, u = task(MODELS[model]), task(MODELS[model])
    opt = t.driver(variant)
    for _ in range(3):
        u.model.load_state_dict(t.model.state_dict(), strict=False)
        for m, n in zip(t.model.modules(), u.model.modules(), strict=True):
            n._buffers.update({k: None if b is None else b.clone() for k, b in m._buffers.items()})
        opt.step(t.losses)
        u.mean()
        assert differing(t.buffers(), u.buffers()) == []


def test_num_batches_tracked_counts_steps(task):
    t = task(MODELS["cumulative"])
    opt = t.driver("sam")
    for _ in range(5):
        opt.step(t.losses)
    assert int(t.model[2].num_batches_tracked) == 5


@pytest.mark.parametrize("evaluation", [1, 2])
def test_an_infinite_pass_does_not_poison_the_statistics(evaluation, task, differing):
    t = task(MODELS["BatchNorm2d"])
    opt = t.driver("sam")
    opt.step(t.losses)
    before, x = t.buffers(), t.x
    calls = []

    def closure(rows):
        calls.append(rows)
        t.x = x * float("inf") if len(calls) == evaluation else x
        return t.losses(rows)

    opt.step(closure)
    assert opt.skipped == 1 and differing(before, t.buffers()) == []


def test_evaluation_mode_and_frozen_statistics_stay(task, differing):
    t = task(MODELS["BatchNorm1d"])
    opt = t.driver("sam")
    t.model[1].eval()
    before = t.buffers()
    opt.step(t.losses)
    assert differing(before, t.buffers()) == []


def test_the_buffers_of_the_model_stay_the_same_tensors(task):
    t = task(MODELS["BatchNorm1d"])
    held = list(t.model.buffers())
    opt = t.driver("sam")
    opt.step(t.losses)
    assert all(a is b for a, b in zip(held, t.model.buffers(), strict=True))


def test_micro_batches_move_them_as_gradient_accumulation_does(task, differing):
    t, u = task(MODELS["BatchNorm1d"]), task(MODELS["BatchNorm1d"])
    t.driver("sam").step(t.losses, size=8, micro=3)
    for rows in torch.arange(8).split(3):
        u.losses(rows)
    assert differing(t.buffers(), u.buffers()) == []
