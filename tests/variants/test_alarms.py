"""A step that does nothing says so, once."""

import warnings

import pytest
import torch
from torch import nn

import variants


def nan(t):
    return lambda rows: t.losses(rows) * float("nan")


def test_many_skipped_steps(task):
    t = task()
    opt = t.driver("sam")
    for _ in range(49):
        opt.step(nan(t))
    with pytest.warns(RuntimeWarning, match="50 steps in a row were skipped"):
        opt.step(nan(t))
    for _ in range(99):
        opt.step(nan(t))


def test_skipped_steps_between_others(task):
    t = task()
    opt = t.driver("plain", t.sgd(lr=1e-3))
    for _ in range(3):
        for _ in range(40):
            opt.step(nan(t))
        opt.step(t.losses)


def test_many_skipped_steps_where_the_device_decides(task, monkeypatch):
    from variants.driver.descent import Descent

    monkeypatch.setattr(Descent, "waits", lambda self, device: not self.base.state)
    t = task()
    opt = t.driver("sam", t.sgd(fused=True))
    for _ in range(2):
        opt.step(t.losses)
    with pytest.warns(RuntimeWarning, match="50 steps in a row were skipped"):
        for _ in range(100):
            opt.step(nan(t))


def test_no_gradient_for_any_parameter(task):
    t, other = task(), nn.Linear(4, 3).double()
    opt = t.driver("sam")
    closure = lambda rows: other(t.x[rows]).square().mean(1)  # noqa: E731
    with pytest.warns(RuntimeWarning, match="no parameter of the optimizer received a gradient"):
        opt.step(closure)
    opt.step(closure)


@pytest.mark.parametrize(("rho", "dtype"), [(1e-4, torch.bfloat16), (1e-12, torch.float32)])
def test_a_perturbation_below_the_weights_precision(rho, dtype, task):
    t = task(dtype=dtype)
    opt = t.driver("sam", rho=rho)
    with pytest.warns(RuntimeWarning, match="perturbation vanished in the weights' precision"):
        opt.step(t.losses)
    opt.step(t.losses)


@pytest.mark.parametrize("rho", [0.0, 0.05])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_no_alarm_without_need(rho, dtype, task):
    t = task(dtype=dtype)
    opt = t.driver("sam", rho=rho)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            opt.step(t.losses)


def test_only_the_batch_is_zero(task):
    t = task()
    opt = t.driver(variants.create("sam"))
    opt.step(lambda rows: t.losses(rows) * 0)
