"""A single run for a terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from sambench.render.terminal import trial
from sambench.scores import ACCURACY

FOUND: dict[str, Any] = {
    "study": "digits",
    "variant": "sam",
    "point": None,
    "epochs": 3,
    "lr": 0.1,
    "hyperparameters": {"rho": 0.05},
    "outcome": "complete",
    "reason": "",
    "val_accuracy": 0.54,
    "val_loss": 1.2,
    "train_loss": 1.5,
    "step_time_s": None,
    "label_noise": 0.4,
}


def text(found: dict[str, Any]) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(trial.render(found, ACCURACY))
    return console.export_text()


@pytest.mark.parametrize("noise", [0.4, 0.0])
def test_a_validation_score_on_noisy_labels_says_what_it_can_be(noise: float):
    told = text({**FOUND, "label_noise": noise})
    assert "54.00% accuracy" in told
    assert ("test labels are clean" in told and "scores about 60%" in told) == bool(noise)


def test_without_a_score_there_is_nothing_to_explain():
    assert "labels" not in text({**FOUND, "val_accuracy": None})
