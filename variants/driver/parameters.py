"""What an optimizer trains in a model: its parameters by name, and their kinds."""

from collections.abc import Iterable
from operator import is_

from torch import nn
from torch.optim import Optimizer

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def canonical(names: Iterable[str]) -> list[str]:
    """All names of a model without the prefixes that DDP and torch.compile put in front."""
    bare = [name.replace("_orig_mod.", "") for name in names]
    wrapped = all(name.startswith("module.") for name in bare)
    return [name.removeprefix("module.") for name in bare] if wrapped else bare


def held(model: nn.Module, optimizer: Optimizer) -> dict[str, nn.Parameter]:
    """The parameters that `optimizer` holds, by their name in `model` and in its order.

    ValueError if the optimizer holds a parameter that the model lacks, or a sharded one.
    """
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    whole = dict(model.named_parameters())
    pairs = zip(canonical(whole), whole.values(), strict=True)
    named = {name: p for name, p in pairs if id(p) in ids}
    missing = len(ids) - len(named)
    if missing:
        raise ValueError(f"{missing} of the optimizer's {len(ids)} parameters are not in the model")
    fully = any(type(m).__name__ == "FullyShardedDataParallel" for m in model.modules())
    for name, p in named.items():
        if fully or hasattr(p, "device_mesh") or hasattr(p, "_is_flat_param"):
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
            found[f"{path}.{leaf}".removeprefix(".")] = kind
    return dict(zip(canonical(found), found.values(), strict=True))


class TrainedParameters:
    """Parameters that `optimizer` holds and that require a gradient, by their name in `model`.

    Walking a model's modules costs as much as many a kernel. What a step can find changed is cheap
    to check: the groups, the flags, and whether the model still has the same parameters.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._model = model
        self._optimizer = optimizer
        self._look_up()

    def by_name(self) -> dict[str, nn.Parameter]:
        """Name -> parameter, in the order of the model; ValueError as of `held`."""
        if not self._is_current():
            self._look_up()
        return self._by_name

    def clear_grads(self) -> None:
        """What `zero_grad` does, without its bookkeeping."""
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                p.grad = None

    def _look_up(self) -> None:
        named = held(self._model, self._optimizer)
        self._held = self._members()
        self._flags = [p.requires_grad for p in self._held]
        members = set(self._held)
        self._places = [
            (module._parameters, leaf, p)
            for module in self._model.modules()
            for leaf, p in module._parameters.items()
            if p is not None and p in members
        ]
        self._by_name = {name: p for name, p in named.items() if p.requires_grad}

    def _members(self) -> list[nn.Parameter]:
        return [p for group in self._optimizer.param_groups for p in group["params"]]

    def _is_current(self) -> bool:
        held = self._members()
        return (
            len(held) == len(self._held)
            and all(map(is_, held, self._held))
            and [p.requires_grad for p in held] == self._flags
            and all(place.get(leaf) is p for place, leaf, p in self._places)
        )
