"""Several base optimizers as one, under one rule: Muon for matrices, AdamW for the rest."""

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer


class Bases:
    """Steps all of `optimizers`, whose groups and states it shows as its own."""

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)
        self.state = States(self.optimizers)
        held = [id(p) for group in self.param_groups for p in group["params"]]
        if len(set(held)) < len(held):
            raise ValueError("two base optimizers hold the same parameter: give it to one of them")

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of all, in their order."""
        return [group for base in self.optimizers for group in base.param_groups]

    @property
    def defaults(self) -> dict[str, Any]:
        """Those of all; of options that several have, the first one's."""
        return {k: v for base in reversed(self.optimizers) for k, v in base.defaults.items()}

    def step(self) -> None:
        for base in self.optimizers:
            base.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for base in self.optimizers:
            base.zero_grad(set_to_none)

    def train(self) -> None:
        """Tells those that care, see `SharpnessAware.train`."""
        for base in self.optimizers:
            getattr(base, "train", lambda: None)()

    def eval(self) -> None:
        """Tells those that care."""
        for base in self.optimizers:
            getattr(base, "eval", lambda: None)()

    def state_dict(self) -> dict[str, Any]:
        return {"optimizers": [base.state_dict() for base in self.optimizers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for base, saved in zip(self.optimizers, state_dict["optimizers"], strict=True):
            base.load_state_dict(saved)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        raise ValueError("of several base optimizers, add the group to the one that steps it")


class States(MutableMapping[Tensor, Any]):
    """What each parameter's own optimizer keeps of it."""

    def __init__(self, optimizers: list[Optimizer]) -> None:
        self._optimizers = optimizers

    def __getitem__(self, p: Tensor) -> Any:
        return self._of(p).state[p]

    def __setitem__(self, p: Tensor, value: Any) -> None:
        self._of(p).state[p] = value

    def __delitem__(self, p: Tensor) -> None:
        del self._of(p).state[p]

    def __contains__(self, p: object) -> bool:
        return any(p in base.state for base in self._optimizers)

    def __iter__(self) -> Iterator[Tensor]:
        return (p for base in self._optimizers for p in base.state)

    def __len__(self) -> int:
        return sum(len(base.state) for base in self._optimizers)

    def _of(self, p: Tensor) -> Optimizer:
        groups = [(base, group) for base in self._optimizers for group in base.param_groups]
        return next(base for base, g in groups if any(p is q for q in g["params"]))


def joined(bases: Any) -> Any:
    """Several optimizers as one."""
    several = isinstance(bases, tuple | list) and len(bases) > 0
    return Bases(bases) if several and all(isinstance(b, Optimizer) for b in bases) else bases


def parts(base: Any) -> list[Any]:
    """An optimizer and those that it consists of, or wraps."""
    values = [
        v for value in vars(base).values() for v in (value if type(value) is list else [value])
    ]
    return [base, *(value for value in values if isinstance(value, Optimizer))]
