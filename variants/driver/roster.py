"""The parameters that steps train, looked up anew only when something changed."""

from operator import is_

from torch import nn
from torch.optim import Optimizer

from variants.driver import model as _model


class Roster:
    """Parameters that `optimizer` holds and that require a gradient, by their name in `model`.

    Walking a model's modules costs as much as many a kernel. What a step can find changed is cheap
    to check: the groups, the flags, and whether the model still has the same parameters.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._model = model
        self._optimizer = optimizer
        self._look_up()

    def trained(self) -> dict[str, nn.Parameter]:
        """Name -> parameter, in the order of the model; ValueError as of `_model.parameters`."""
        if not self._is_current():
            self._look_up()
        return self._trained

    def clear_grads(self) -> None:
        """What `zero_grad` does, without its bookkeeping."""
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                p.grad = None

    def _look_up(self) -> None:
        named = _model.parameters(self._model, self._optimizer)
        self._held = self._members()
        self._flags = [p.requires_grad for p in self._held]
        held = set(self._held)
        self._places = [
            (module._parameters, leaf, p)
            for module in self._model.modules()
            for leaf, p in module._parameters.items()
            if p is not None and p in held
        ]
        self._trained = {name: p for name, p in named.items() if p.requires_grad}

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
