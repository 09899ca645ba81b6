"""Models by their timm name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import timm
from torch import nn

from sambench.errors import LISTED, UserError, echo, nearest, shortened
from sambench.tasks.head import head_of
from sambench.tasks.images.freezing import freeze
from sambench.tasks.images.task import ImageClassification
from sambench.tasks.offline import without_retries

ELSEWHERE = ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path")
"""Arguments of timm's for which there is a key."""


def build(task: ImageClassification, *, channels: int, classes: int) -> nn.Module:
    """The model of a study; what no weights are given for is drawn from torch's global generator.

    UserError for a name that timm does not know, for arguments that the model does not take, and
    for weights that are not its own.
    """
    check(task)
    size = {"img_size": task.image_size} if task.image_size and _wants_size(task) else {}
    arguments = {"num_classes": classes, "in_chans": channels, **size, **task.model_args}
    model = made(task.model, arguments | _weights(task), _at(task))
    return freeze(model, task.freeze) if task.freeze else model


def check(task: ImageClassification) -> None:
    """UserError with the nearest names unless timm knows the model."""
    if not timm.is_model(task.model):
        hint = nearest(task.model, timm.list_models())
        raise UserError(f"task.model: timm has no model {echo(task.model)}; {hint}")
    for name in ELSEWHERE:
        if name in task.model_args:
            raise UserError(
                f"task.model_args.{name}: cannot stand here; weights are named by task.pretrained"
            )


def made(name: str, arguments: Mapping[str, Any], at: str = "") -> nn.Module:
    """timm's model of that name; `at` says in an error what it was made for."""
    pretrained = bool(arguments.get("pretrained"))
    file = arguments.get("pretrained_cfg_overlay", {}).get("file", "")
    try:
        online = without_retries() if pretrained and not file else nullcontext()
        with online, _missing_keys() as missing:
            model = timm.create_model(name, **arguments)
    except Exception as error:
        if pretrained and _is_offline(error):
            raise UserError(
                f"task.pretrained: no weights of {name} are cached here, and they cannot be "
                "downloaded: no network?"
            ) from error
        said = shortened(str(error) or type(error).__name__, LISTED)
        if file:
            raise UserError(f"task.pretrained: {file} does not fit {name}: {said}") from error
        raise UserError(f"task.model_args: {name} cannot be built{at}: {said}") from error
    heads = head_of(model)
    lacking = [key for key in missing if not any(key.startswith(f"{own}.") for own in heads)]
    if lacking:
        raise UserError(
            f"task.pretrained: {file or 'timm'} does not fit {name}: {len(lacking)} of its "
            f"{len(model.state_dict())} tensors are missing there, the first is {lacking[0]}"
        )
    return model


@contextmanager
def _missing_keys() -> Iterator[list[str]]:
    """What is not found by a loading of weights inside: timm only logs it under a new head."""
    found: list[str] = []
    load = nn.Module.load_state_dict

    def told(*given: Any, **named: Any) -> Any:
        loaded = load(*given, **named)
        found.extend(loaded.missing_keys)
        return loaded

    nn.Module.load_state_dict = told  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield found
    finally:
        nn.Module.load_state_dict = load


def _weights(task: ImageClassification) -> dict[str, Any]:
    if isinstance(task.pretrained, str):
        file = str(Path(task.pretrained).expanduser())
        return {
            "pretrained": True,
            "pretrained_cfg_overlay": {"file": file, "custom_load": False},
        }
    return {"pretrained": True} if task.pretrained else {}


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
