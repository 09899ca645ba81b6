"""Undoing a step of a base optimizer."""

from torch import Tensor
from torch.optim import Optimizer

from variants.driver.groups import Group

Kept = dict[str, tuple[object, object]]
"""name -> a value and its copy"""


class Rewind:
    """Remembers weights, state and groups (some optimizers count there); `restore` undoes.

    All by copy into the same tensors.
    """

    def __init__(self, base: Optimizer) -> None:
        self._base = base
        self._weights = [(p, p.detach().clone()) for g in base.param_groups for p in g["params"]]
        self._state = {p: _keep(state) for p, state in base.state.items()}
        self._groups = [_keep(group) for group in base.param_groups]

    def restore(self) -> None:
        """Puts everything back as it was at construction."""
        for p, value in self._weights:
            p.detach().copy_(value)
        self._base.state.clear()
        self._base.state.update({p: _back(kept) for p, kept in self._state.items()})
        for group, kept in zip(self._base.param_groups, self._groups, strict=True):
            group.clear()  # it may have begun to count: timm's Lamb
            group.update(_back(kept))


def _keep(values: Group) -> Kept:
    return {k: (v, v.clone() if isinstance(v, Tensor) else v) for k, v in values.items()}


def _back(kept: Kept) -> Group:
    return {
        k: v.copy_(c) if isinstance(v, Tensor) and isinstance(c, Tensor) else v
        for k, (v, c) in kept.items()
    }
