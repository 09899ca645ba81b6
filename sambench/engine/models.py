"""Models by their timm name."""

import timm
from torch import nn

from sambench.config import Task
from sambench.errors import UserError, nearest


def build(task: Task, *, channels: int, classes: int) -> nn.Module:
    """The model of a study, with random weights drawn from torch's global generator.

    UserError for a name that timm does not know or arguments that the model does not take.
    """
    check(task)
    size = {"img_size": task.image_size} if task.image_size and _wants_size(task) else {}
    arguments = {"num_classes": classes, "in_chans": channels, **size, **task.model_args}
    try:
        return timm.create_model(task.model, **arguments)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"task.model_args: {task.model} cannot be built: {line}") from None


def check(task: Task) -> None:
    """UserError with the nearest names unless timm knows the model."""
    if not timm.is_model(task.model):
        hint = nearest(task.model, timm.list_models())
        raise UserError(f"task.model: timm has no model {task.model!r}; {hint}")


def _wants_size(task: Task) -> bool:
    """Whether a model is built for one image size (vision transformers and the like)."""
    pretrained = timm.get_pretrained_cfg(task.model)
    return bool(pretrained and pretrained.fixed_input_size) and "img_size" not in task.model_args
