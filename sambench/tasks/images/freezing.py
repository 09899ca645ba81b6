"""Parts of a model that do not train: no gradients, and BatchNorm with the statistics it has."""

from collections.abc import Sequence

from timm.utils.model import freeze_batch_norm_2d
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sambench.errors import UserError, echo, nearest
from sambench.tasks.head import head_of

BACKBONE = "backbone"
"""All but the head."""


def freeze(model: nn.Module, parts: Sequence[str]) -> nn.Module:
    """The model itself, changed; its frozen BatchNorms are timm's, which know no training mode.

    parts: names of modules or parameters, which stand for all in them, or BACKBONE
    UserError for a part that the model does not have, and where nothing is left to train.
    """
    _check(model, parts)
    heads = head_of(model)

    def is_frozen(name: str) -> bool:
        if BACKBONE in parts and not any(_within(name, own) for own in heads):
            return True
        return any(_within(name, part) for part in parts)

    for name, parameter in model.named_parameters():
        if is_frozen(name):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UserError("task.freeze: nothing is left to train; leave out a part")
    norms = [own for own, module in model.named_modules() if isinstance(module, _BatchNorm)]
    for name in filter(is_frozen, norms):
        frozen = freeze_batch_norm_2d(model.get_submodule(name))
        if isinstance(frozen, _BatchNorm):
            kind = type(frozen).__name__
            raise UserError(f"task.freeze: timm cannot freeze {name}, which is a {kind}")
        model.set_submodule(name, frozen)
    return model


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _check(model: nn.Module, parts: Sequence[str]) -> None:
    known = {name for name, _ in [*model.named_modules(), *model.named_parameters()] if name}
    for part in parts:
        if part == BACKBONE:
            if not head_of(model):
                raise UserError(
                    f"task.freeze: {BACKBONE} is all but the head, and {type(model).__name__} "
                    "does not tell which that is; name the parts"
                )
        elif part not in known:
            hint = nearest(part, {BACKBONE, *known})
            raise UserError(f"task.freeze: the model has no part {echo(part)}; {hint}")
