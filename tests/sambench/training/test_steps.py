"""What is kept of every step: spikes, quantiles, and no more than one look at the device."""

import math

import numpy as np
import pytest
import torch

from sambench.training.steps import LEAST, SPIKE, Steps


def epoch(
    steps: Steps,
    losses: list[float],
    norms: list[float] | None = None,
    rises: list[float] | None = None,
) -> dict[str, float]:
    for i, loss in enumerate(losses):
        norm = 1.0 if norms is None else norms[i]
        rise = math.nan if rises is None else torch.tensor(rises[i])
        steps.note(i, torch.tensor(loss), torch.tensor(norm), rise)
    return steps.summary()


def even(num: int) -> list[float]:
    """Of mean 1 and deviation 0.1."""
    return [1 + 0.1 * (-1) ** i for i in range(num)]


def test_quantiles_are_numpys():
    norms = [3.0, 1.0, 4.0, 1.5, 9.0, 2.5]
    found = epoch(Steps(6, torch.device("cpu")), [1.0] * 6, norms)
    expected = np.quantile(norms, [0.1, 0.5, 0.9])
    assert [found[f"grad_norm_q{q}"] for q in (10, 50, 90)] == pytest.approx(list(expected))
    assert (found["grad_norm_max"], found["zero_gradients"], found["loss_spikes"]) == (9, 0, 0)


def test_steps_whose_perturbation_did_nothing_are_counted_every_one():
    steps, nan = Steps(5, torch.device("cpu")), float("nan")
    found = epoch(steps, [1.0] * 5, [1.0, 1.0, 0.0, 1.0, 1.0], [0.0, 1e-9, 0.0, nan, 0.0])
    assert (found["perturbed_steps"], found["idle_steps"]) == (4, 2)  # one has no slope
    assert epoch(steps, [1.0] * 5)["perturbed_steps"] == 0


@pytest.mark.parametrize(("above", "spikes"), [(SPIKE + 0.1, 1), (SPIKE - 0.1, 0)])
def test_a_spike_lies_far_above_the_steps_before_also_of_earlier_epochs(above: float, spikes: int):
    steps = Steps(20, torch.device("cpu"))
    assert epoch(steps, even(20))["loss_spikes"] == 0
    found = epoch(steps, [1 + above * 0.1, *even(19)])
    assert found["loss_spikes"] == spikes


def test_no_spikes_before_there_is_something_to_compare_with():
    assert epoch(Steps(LEAST, torch.device("cpu")), [*even(LEAST - 1), 1e6])["loss_spikes"] == 0


def test_a_resumed_run_compares_with_the_same_steps():
    first = Steps(20, torch.device("cpu"))
    epoch(first, even(20))
    again = Steps(20, torch.device("cpu"))
    again.load_state_dict(first.state_dict())
    assert epoch(again, [5.0] * 20) == epoch(first, [5.0] * 20)


def test_steps_that_are_not_finite_count_in_nothing():
    nan = float("nan")
    found = epoch(Steps(3, torch.device("cpu")), [1.0, nan, 2.0], [0.0, 1.0, float("inf")])
    assert found["grad_norm_max"] == 0 and found["zero_gradients"] == 1
    lost = epoch(Steps(1, torch.device("cpu")), [nan])
    assert math.isnan(lost["grad_norm_q50"]) and lost["loss_spikes"] == 0
