"""A variant that never did anything is told, by arm."""

from types import SimpleNamespace
from typing import Any, cast

from sambench.study.activation import idle
from sambench.training import Outcome, Run

NAN = float("nan")


def run(label: str, *history: dict[str, float], outcome: str = "complete") -> tuple[Run, Outcome]:
    return cast(Run, SimpleNamespace(label=label)), Outcome(outcome, history=history)


def row(**changes: Any) -> dict[str, float]:
    whole = {"radius": 0.05, "lost": 0.0, "zero_gradients": 0.0, "skipped_steps": 0.0}
    return {**whole, "steps": 100.0, **changes}


def test_all_is_well():
    assert not list(idle([run("sam", row(), row()), run("plain", row(radius=NAN, lost=NAN))]))
    assert not list(idle([run("own", {"epoch": 1.0}), run("bare")]))


def test_perturbations_that_are_zero_or_lost():
    (line,) = idle([run("sam", row(), row(radius=0.0, lost=0.0)), run("sam", row(), row(lost=1.0))])
    assert line.startswith("sam: in 50% of the steps that were looked at")
    many = [run("sam", *[row()] * 199, row(lost=1.0))]
    assert not list(idle(many))  # 0.5% of them


def test_steps_in_the_midst_of_an_epoch_whose_perturbation_did_nothing():
    (line,) = idle([run("sam", row(idle_steps=3.0, perturbed_steps=100.0))])
    assert line.startswith("sam: in 3% of the steps that perturb the weights, the loss was exactly")
    assert not list(idle([run("sam", row(idle_steps=1.0, perturbed_steps=100.0))]))


def test_gradients_of_zero_and_skipped_steps():
    flat, skipped = idle([run("sam", row(zero_gradients=2.0, skipped_steps=6.0))])
    assert "sam: in 2% of the steps no parameter got a gradient" in flat
    assert "sam: 6% of the steps were skipped" in skipped
    assert not list(idle([run("sam", row(zero_gradients=1.0, skipped_steps=5.0))]))


def test_runs_that_diverged_are_told_elsewhere():
    assert not list(idle([run("sam", row(skipped_steps=90.0), outcome="diverged")]))
