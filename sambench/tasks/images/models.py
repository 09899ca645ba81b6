"""Models by their timm name."""

import os
from collections.abc import Mapping
from contextlib import nullcontext

import timm
from torch import nn

from sambench.errors import UserError, echo, nearest, said
from sambench.tasks.images.task import ImageClassification
from sambench.tasks.offline import without_retries


def build(task: ImageClassification, *, channels: int, classes: int) -> nn.Module:
    """The model of a study, with random weights drawn from torch's global generator.

    UserError for a name that timm does not know or arguments that the model does not take.
    """
    check(task)
    _check_files(task.model_args)
    size = {"img_size": task.image_size} if task.image_size and _wants_size(task) else {}
    arguments = {"num_classes": classes, "in_chans": channels, **size, **task.model_args}
    try:
        with without_retries() if arguments.get("pretrained") else nullcontext():
            return timm.create_model(task.model, **arguments)
    except Exception as error:
        if arguments.get("pretrained") and _is_offline(error):
            raise UserError(
                f"task.model_args: no pretrained weights of {task.model} are cached here, and they "
                "cannot be downloaded: no network?"
            ) from error
        raise UserError(
            f"task.model_args: {task.model} cannot be built{_at(task)}: {said(error)}"
        ) from error


def check(task: ImageClassification) -> None:
    """UserError with the nearest names unless timm knows the model."""
    if not timm.is_model(task.model):
        hint = nearest(task.model, timm.list_models())
        raise UserError(f"task.model: timm has no model {echo(task.model)}; {hint}")


def _check_files(arguments: Mapping[str, object]) -> None:
    """UserError for a file of weights that is not there, where timm would only log it."""
    places = {"checkpoint_path": arguments.get("checkpoint_path")}
    for name in ("pretrained_cfg", "pretrained_cfg_overlay"):
        table = arguments.get(name)
        places[f"{name}.file"] = table.get("file") if isinstance(table, Mapping) else None
    for name, path in places.items():
        if path and isinstance(path, str) and not os.path.isfile(path):
            raise UserError(f"task.model_args.{name}: no file {echo(path)}")


def _wants_size(task: ImageClassification) -> bool:
    """Whether a model is built for one image size (vision transformers and the like)."""
    pretrained = timm.get_pretrained_cfg(task.model)
    return bool(pretrained and pretrained.fixed_input_size) and "img_size" not in task.model_args


def _at(task: ImageClassification) -> str:
    return f" for {task.image_size} x {task.image_size} pixels" if task.image_size else ""


def _is_offline(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is about the network: both libraries wrap theirs."""
    while error is not None:
        name = type(error).__name__
        if name in ("LocalEntryNotFoundError", "OfflineModeIsEnabled", "URLError", "ConnectError"):
            return True
        error = error.__cause__ or error.__context__
    return False
