"""What is handed to `SharpnessAware` by mistake, told in words."""

from typing import Any

from torch import nn
from torch.optim import Optimizer

from variants.core import registry
from variants.core.protocol import Variant

NEEDED = ("param_groups", "state", "defaults", "step", "state_dict", "load_state_dict")
"""what the driver uses of a base optimizer; some wrappers are no torch.optim.Optimizer"""


def together(model: Any) -> Any:
    """Several models as one."""
    several = isinstance(model, tuple | list) and model
    return nn.ModuleList(model) if several and all(map(_is_module, model)) else model


def _is_module(value: object) -> bool:
    return isinstance(value, nn.Module)


def check(base: Any, variant: Any, model: Any) -> None:
    """TypeError or ValueError unless they are an optimizer, a variant and a module."""
    _check_base(base)
    _check_variant(variant)
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, or a list of them, got {_kind(model)}")


def _check_base(base: Any) -> None:
    if isinstance(base, type):
        raise TypeError(
            f"base_optimizer must be built: {base.__name__}(model.parameters(), lr=...), not the "
            "class alone"
        )
    if missing := [name for name in NEEDED if not hasattr(base, name)]:
        raise TypeError(
            f"base_optimizer must be a torch.optim.Optimizer; {_kind(base)} has no {missing[0]}"
        )


def _check_variant(variant: Any) -> None:
    if isinstance(variant, str):
        registry.info(variant)  # unknown: close matches
        raise TypeError(
            f"variant must be a variant, not its name: variants.create({variant!r}, rho=...)"
        )
    if isinstance(variant, type) and issubclass(variant, Variant):
        raise TypeError(f"variant must be a variant, not its class: {variant.__name__}(...)")
    if not isinstance(variant, Variant):
        hint = "; the order is SharpnessAware(base_optimizer, variant, model)"
        swapped = hint if isinstance(variant, nn.Module | Optimizer) else ""
        raise TypeError(f"variant must be made by variants.create, got {_kind(variant)}{swapped}")


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"
