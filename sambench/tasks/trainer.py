"""What trains a run, epoch by epoch: the suite's engine, or what a kind of task brings."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

import variants
from sambench.config import Train
from sambench.tasks.target import Scored

OptimizerOf = Callable[[nn.Module, int], variants.SharpnessAware]
"""(model, steps of the whole run) -> what steps it: the study's base optimizer and the run's
variant, with the clipping of [train]. It is asked for once."""


@dataclass(frozen=True)
class Brief:
    """What a run asks of a trainer."""

    train: Train
    epochs: int
    """of this run, whatever `train` says of the study's"""
    streams: Mapping[str, int]
    """seeds, see `sambench.seeds`"""
    device: str
    optimizer: OptimizerOf
    rate: Callable[[int], Callable[[int], float]]
    """steps of the whole run -> (step -> learning rate), by the run's peak and its schedule"""


class Trainer(ABC):
    """Of one run. Epochs and steps count from 0."""

    steps_per_epoch: int

    @property
    @abstractmethod
    def evaluated(self) -> nn.Module:
        """The module whose weights are scored, and kept."""

    @abstractmethod
    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Trains for an epoch, and tells what a run's history keeps of it.

        At least "lr", "train_loss", "step_time_s", and, over the run so far, "steps",
        "skipped_steps" and "gradient_evaluations". A loss that is not finite ends the run, as
        diverged.
        """

    @abstractmethod
    def score(self, subset: str) -> Scored:
        """The scores of the task that weights have. It changes nothing about what is trained next.

        subset: "val" or "test"
        """

    @property
    def is_finding_its_scale(self) -> bool:
        """Whether skipped steps may still end by themselves."""
        return False

    def state_dict(self) -> dict[str, Any] | None:
        """Everything that a resumed run needs; None where there is no way to tell: then a run that
        was interrupted begins anew."""
        return None

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Ends what it holds beside memory."""
