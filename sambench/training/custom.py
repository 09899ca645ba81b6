"""What a Python caller may bring instead of the study's own names."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from sambench.config import Split, Study
from sambench.tasks.images import Data, is_ours
from sambench.training.engine import Loss


@dataclass(frozen=True)
class Custom:
    """A model, data and a loss; None: the study's own."""

    model: Callable[[int, int], nn.Module] | None = None
    """(channels, classes) -> model"""
    data: Data | None = None
    """fixed train, val and test sets; then only the streams init and order are redrawn"""
    loss: Loss | None = None

    def named(self, study: Study) -> Study:
        """The study as it runs with these: what they replace it does not speak of any more.

        Data keep the name that the study gives them, unless it is that of other data.
        """
        task, train = study.task, study.train
        changed: dict[str, object] = {}
        if self.model is not None:
            task = task.model_copy(update={"model": _name(self.model), "model_args": {}})
        if self.loss is not None:
            train = train.model_copy(update={"label_smoothing": 0.0})
        if self.data is not None:
            sizes = {name: len(getattr(self.data, name)) for name in ("train", "val", "test")}
            fixed = {"image_size": None, "label_noise": 0.0, "split": Split(**sizes)}
            if is_ours(task.dataset):
                fixed |= {"dataset": "own data"}
                changed = {"question": "", "published": ()}
            task = task.model_copy(update=fixed)
        return study.model_copy(update={**changed, "task": task, "train": train})

    def identity(self) -> dict[str, str]:
        """What tells it from others: functions by name, data by content."""
        named = {"model": self.model, "loss": self.loss}
        found = {k: _name(f) for k, f in named.items() if f is not None}
        return found | ({"data": self.data.digest()} if self.data is not None else {})


def _name(function: Callable[..., object]) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
