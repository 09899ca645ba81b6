"""What a Python caller may bring instead of the study's own names."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from sambench.config import Split, Study, Task
from sambench.tasks import Data
from sambench.training.engine import Loss
from sambench.training.own import OwnTraining
from sambench.training.source import named

OWN_DATA = "own data"
AS_IT_IS = {
    "image_size": None,
    "label_noise": 0.0,
    "label_flips": "symmetric",
    "class_weights": None,
}
"""What a task asks of data of its own."""


@dataclass(frozen=True)
class Custom:
    """A model, data and a loss, or the whole training; None: the study's own."""

    model: Callable[[int, int], nn.Module] | None = None
    """(channels, classes) -> model, or of what sizes the data have"""
    data: Data | None = None
    """fixed train, val and test sets; then only the streams init and order are redrawn"""
    loss: Loss | None = None
    training: OwnTraining | None = None

    @property
    def brings_data(self) -> bool:
        return self.data is not None or self.training is not None

    @property
    def brought(self) -> tuple[str, ...]:
        """Names of what is the caller's own."""
        return tuple(name for name in ("model", "data", "loss") if getattr(self, name) is not None)

    def named(self, study: Study) -> Study:
        """The study as it runs with these: what they replace it does not speak of any more.

        Data keep the name that the study gives them, unless it is that of other data.
        """
        task, train = study.task, study.train
        changed: dict[str, object] = {}
        if self.training is not None:
            name = named(self.training.train)
            task = task.model_copy(update={"dataset": OWN_DATA, "model": name})
        if self.model is not None:
            task = _with(task, model=named(self.model), model_args={}, pretrained=False, freeze=())
        if self.loss is not None:
            train = train.model_copy(update={"label_smoothing": 0.0})
            task = _with(task, class_weights=None)
        if self.data is not None:
            sizes = {name: len(getattr(self.data, name)) for name in ("train", "val", "test")}
            if task.reads():
                task = _with(task, dataset=OWN_DATA)
                changed = {"question": "", "published": ()}
            task = _with(task, **AS_IT_IS, split=Split(**sizes))
        return study.model_copy(update={**changed, "task": task, "train": train})

    def identity(self) -> dict[str, str]:
        """What tells it from others: functions by name, data by content, a training by its code."""
        if self.training is not None:
            return self.training.identity()
        given = {"model": self.model, "loss": self.loss}
        found = {k: named(f) for k, f in given.items() if f is not None}
        return found | ({"data": self.data.digest()} if self.data is not None else {})


def _with(task: Task, **changed: object) -> Task:
    """The task with other values of those keys that its kind has."""
    known = {key: value for key, value in changed.items() if key in type(task).model_fields}
    return task.model_copy(update=known)
