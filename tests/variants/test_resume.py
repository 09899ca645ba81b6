"""A run resumed from `state_dict` continues bit for bit; a state of something else is refused."""

import io

import pytest
import torch
from torch import nn

VARIANTS = {
    "plain": {},
    "sam": {},
    "asam": {},
    "esam": {"beta": 0.5, "gamma": 0.5},
    "looksam": {"k": 3},
    "tensor_sum_sam": {},
}


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))


def through_a_file(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def train(task, opt, scheduler, steps):
    for _ in range(steps):
        opt.step(task.losses)
        scheduler.step()


@pytest.mark.parametrize("at", [0, 1, 4])
@pytest.mark.parametrize("base", ["sgd", "adamw"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_bit_for_bit(variant, base, at, task, differing):
    def fresh(seed):
        t = task(normed)
        opt = t.driver(variant, getattr(t, base)(), options={"seed": seed}, **VARIANTS[variant])
        return t, opt, torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=9)

    t, opt, scheduler = fresh(seed=3)
    train(t, opt, scheduler, at)
    saved = through_a_file([t.model.state_dict(), opt.state_dict(), scheduler.state_dict()])
    train(t, opt, scheduler, 5)

    u, resumed, again = fresh(seed=99)  # the seed comes back with the state
    for part, state in zip((u.model, resumed, again), saved, strict=True):
        part.load_state_dict(state)
    train(u, resumed, again, 5)
    assert differing(t.snapshot(opt), u.snapshot(resumed)) == []


def test_a_skipped_step_and_the_counts_are_in_it(task, differing):
    t, u = task(), task()
    opt, resumed = t.driver("looksam"), u.driver("looksam")
    opt.step(t.losses)
    opt.step(lambda rows: t.losses(rows) * float("nan"))
    resumed.load_state_dict(through_a_file(opt.state_dict()))
    assert (resumed.steps, resumed.skipped) == (1, 1)


def test_a_saved_state_does_not_follow_the_run(task, differing):
    """The variant's part, that is: torch's own state_dict refers to live tensors."""
    t = task()
    opt = t.driver("looksam", k=1)
    opt.step(t.losses)
    saved = opt.state_dict()["sharpness"]
    before = {n: v.clone() for n, v in saved["state"]["v"].items()}
    opt.step(t.losses)
    assert saved["steps"] == 1
    assert all(torch.equal(v, before[n]) for n, v in saved["state"]["v"].items())


def test_the_base_alone_can_be_loaded_from_it(task):
    t, u = task(), task()
    opt, base = t.driver("sam"), u.sgd(lr=9.0)
    opt.step(t.losses)
    base.load_state_dict({k: v for k, v in opt.state_dict().items() if k != "sharpness"})
    assert base.param_groups[0]["lr"] == 0.1 and len(base.state) == 6


def test_foreign_states_are_refused_and_change_nothing(task):
    t, u = task(), task()
    opt = t.driver("sam")
    opt.step(t.losses)
    before = t.snapshot(opt)
    cases = {
        "no state of a variant in it": u.sgd().state_dict(),
        "'looksam', this optimizer runs 'sam'": u.driver("looksam").state_dict(),
        "different number of parameter groups": {**opt.state_dict(), "param_groups": []},
    }
    for message, state in cases.items():
        with pytest.raises(ValueError, match=message):
            opt.load_state_dict(state)
        assert t.changed(before, opt) == []
