"""Which part of a model is its head: the layers that say how many classes there are."""

from collections.abc import Iterable

from torch import nn


def head_of(model: nn.Module) -> dict[str, nn.Module]:
    """By name, as timm's models tell them; none where a model does not tell."""
    told = getattr(model, "get_classifier", None)
    found = told() if callable(told) else ()
    heads = [found] if isinstance(found, nn.Module) else found
    if not isinstance(heads, Iterable):
        return {}
    mine = {id(own) for own in heads if isinstance(own, nn.Module) and [*own.parameters()]}
    return {name: module for name, module in model.named_modules() if id(module) in mine}
