"""Stability is what the epochs say."""

from dataclasses import replace

import pytest
import torch

from sambench.errors import UserError
from sambench.measures import measures
from sambench.measures.testing import convolutional

NAN = float("nan")


def row(**changes: float) -> dict[str, float]:
    return {
        "steps": 10.0, "loss_spikes": 0.0, "skipped_steps": 0.0, "grad_norm_q10": 1.0,
        "grad_norm_q50": 2.0, "grad_norm_q90": 3.0, "grad_norm_max": 4.0, "cosine": NAN,
        "radius": NAN, **changes,
    }  # fmt: skip


def of(*history: dict[str, float]) -> dict[str, float]:
    return dict(measures.get("stability")().of(replace(convolutional(), history=history)))


def test_shares_are_of_all_steps_and_the_rest_means_over_epochs():
    found = of(
        row(loss_spikes=1, grad_norm_q50=2, cosine=0.5, radius=0.1),
        row(loss_spikes=2, grad_norm_q50=4, cosine=0.7, radius=0.3, grad_norm_max=3, steps=20,
            skipped_steps=5),
    )  # fmt: skip
    assert found == pytest.approx({
        "loss_spikes": 0.15, "skipped_steps": 0.25, "gradient_norm_q10": 1, "gradient_norm_q50": 3,
        "gradient_norm_q90": 3, "gradient_norm_max": 4, "gradient_cosine": 0.6,
        "realised_radius": 0.2,
    })  # fmt: skip


def test_who_does_not_perturb_has_no_radius_and_no_cosine():
    assert not {"gradient_cosine", "realised_radius"} & set(of(row()))


def test_weights_alone_do_not_tell_how_they_came_about():
    with pytest.raises(UserError, match="nothing tells how these weights were trained"):
        of()
    old = {k: v for k, v in row().items() if k != "loss_spikes"}
    with pytest.raises(UserError, match="an older version"):
        of(old)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
        TypeError("no"),
        SystemExit(3),
    ],
)
def test_what_a_measure_raises_costs_the_others_nothing(error: BaseException):
    from sambench.measures import measure_all

    class Broken(measures.get("stability")):
        def of(self, subject: object) -> dict[str, float]:
            raise error

    subject = replace(convolutional(), history=(row(),))
    found = measure_all(subject, {"broken": Broken(), "stability": measures.get("stability")()})
    assert type(error).__name__ in found.failed["broken"] and found.values["loss_spikes"] == 0
