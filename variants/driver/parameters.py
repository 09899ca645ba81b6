"""What an optimizer trains in a model: its parameters by name, and their kinds."""

from collections.abc import Iterable
from operator import attrgetter, getitem, is_

from torch import nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from variants.driver import sharded
from variants.driver.modules import Modules
from variants.driver.sharded import Sharded

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def canonical(names: Iterable[str]) -> list[str]:
    """All names of a model without the prefixes that DDP and torch.compile put in front."""
    bare = [name.replace("_orig_mod.", "") for name in names]
    wrapped = all(name.startswith("module.") for name in bare)
    return [name.removeprefix("module.") for name in bare] if wrapped else bare


def held(model: nn.Module, optimizer: Optimizer) -> dict[str, nn.Parameter]:
    """The parameters that `optimizer` holds, by their name in `model` and in its order.

    ValueError if the optimizer holds a parameter that the model lacks, or one that is complex,
    without a shape yet, or in shards other than fully_shard's.
    """
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    whole = dict(model.named_parameters())
    pairs = zip(canonical(whole), whole.values(), strict=True)
    named = {name: p for name, p in pairs if id(p) in ids}
    missing = len(ids) - len(named)
    if missing:
        hint = sharded.STUCK if sharded.taken_over(model.modules()) else ""
        lacks = f"{missing} of the optimizer's {len(ids)} parameters are not in the model"
        raise ValueError(lacks + hint)
    sharded.refuse(model, named)
    for name, p in named.items():
        if is_lazy(p):
            raise ValueError(
                f"{name} has no shape yet (a lazy module): run the model on a batch first"
            )
        if p.is_inference():
            raise ValueError(f"{name} was made in torch.inference_mode(): build the model outside")
        if p.is_complex():
            raise ValueError(
                f"{name} is complex: not supported; hold its real and imaginary parts as a real "
                "parameter, and use torch.view_as_complex in forward"
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
    """Parameters that `optimizer` holds and that require a gradient, by their name in the model.

    What a step can find changed is cheap to check: modules, groups, flags, shapes, and whether the
    modules still have the same parameters.
    """

    def __init__(self, modules: Modules, optimizer: Optimizer) -> None:
        self._modules = modules
        self.sharded = Sharded()
        self.sharded.look(modules.all())
        self._optimizer = optimizer
        self._look_up()

    def by_name(self) -> dict[str, nn.Parameter]:
        """Name -> parameter, in the order of the model; the same dict as long as nothing changed.

        ValueError as of `held`, or if none requires a gradient.
        """
        modules = self._modules.all()
        self.sharded.look(modules)
        if not self._is_current(modules):
            self._look_up()
        if not self._by_name:
            raise ValueError("no parameter of the optimizer requires a gradient")
        return self._by_name

    def kinds(self) -> dict[str, str]:
        """See `kinds`."""
        if self._kinds is None:
            self._kinds = kinds(self._modules.model)
        return self._kinds

    def in_groups(self) -> list[str]:
        """The names of all parameters of the optimizer, frozen ones included, in its order."""
        self.sharded.look(self._modules.all())
        names = {id(p): name for name, p in held(self._modules.model, self._optimizer).items()}
        return [names[id(p)] for p in self._members()]

    def clear_grads(self) -> None:
        """What `zero_grad` does, without its bookkeeping."""
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                p.grad = None

    def _look_up(self) -> None:
        named = held(self._modules.model, self._optimizer)
        self._seen = self._modules.known
        self._held = self._members()
        self._facts = _facts(self._held)
        self._kinds: dict[str, str] | None = None
        members = set(self._held)
        places = [
            (module._parameters, leaf, p)
            for module in self._seen
            for leaf, p in module._parameters.items()
            if p is not None and p in members
        ]
        self._owners, self._leaves, self._placed = zip(*places, strict=True) if places else [()] * 3
        self._by_name = {name: p for name, p in named.items() if p.requires_grad}

    def _members(self) -> list[nn.Parameter]:
        return [p for group in self._optimizer.param_groups for p in group["params"]]

    def _is_current(self, modules: list[nn.Module]) -> bool:
        held = self._members()
        return (
            modules is self._seen
            and len(held) == len(self._held)
            and all(map(is_, held, self._held))
            and _facts(held) == self._facts
            and self._are_in_place()
        )

    def _are_in_place(self) -> bool:
        try:
            return all(map(is_, map(getitem, self._owners, self._leaves), self._placed))
        except KeyError:
            return False


def _facts(parameters: list[nn.Parameter]) -> list[object]:
    return [*map(attrgetter("requires_grad", "shape"), parameters)]
