"""What an optimizer trains in a model: names, kinds, and the buffers that forward passes move."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def canonical(name: str) -> str:
    """A parameter's name without the prefixes that DDP and torch.compile put in front."""
    return name.replace("_orig_mod.", "").removeprefix("module.")


def parameters(model: nn.Module, optimizer: Optimizer) -> dict[str, nn.Parameter]:
    """The parameters that `optimizer` holds, by their name in `model` and in its order.

    ValueError if the optimizer holds a parameter that the model lacks, or a sharded one.
    """
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    named = {canonical(n): p for n, p in model.named_parameters() if id(p) in held}
    missing = len(held) - len(named)
    if missing:
        raise ValueError(
            f"{missing} of the optimizer's {len(held)} parameters are not in the model"
        )
    for name, p in named.items():
        if hasattr(p, "device_mesh") or hasattr(p, "_is_flat_param"):
            raise ValueError(
                f"{name} is sharded (FSDP or tensor parallel): not supported yet, use DDP"
            )
    return named


def is_norm(module: nn.Module) -> bool:
    """Whether a module is a normalisation layer, by its type.

    Types outside torch (timm's RmsNorm, SimpleNorm) share no base class: their class names tell.
    """
    return isinstance(module, _NORMS) or "norm" in type(module).__name__.lower()


def kinds(model: nn.Module) -> dict[str, str]:
    """Parameter name -> "norm" (scale or shift of a normalisation layer), "bias" or "weight"."""
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        for leaf, _ in module.named_parameters(recurse=False):
            kind = "norm" if is_norm(module) else "bias" if leaf.endswith("bias") else "weight"
            found[canonical(f"{path}.{leaf}".removeprefix("."))] = kind
    return found


class Buffers:
    """Snapshot and restore of a model's buffers (BatchNorm statistics and the like).

    A snapshot covers every module, also those that ignore `track_running_stats` (InstanceNorm) or
    count on their own; setting BatchNorm's momentum to 0 would turn an infinite batch into NaN.
    """

    def __init__(self, model: nn.Module) -> None:
        self._owners = [m._buffers for m in model.modules() if m._buffers]

    def _live(self) -> list[Tensor]:
        return [b for owner in self._owners for b in owner.values() if b is not None]

    def save(self) -> list[Tensor]:
        """Copies of all buffers."""
        return [b.clone() for b in self._live()]

    def restore(self, saved: list[Tensor]) -> None:
        """Writes copies made by `save` back in place."""
        if saved:
            torch._foreach_copy_(self._live(), saved)
