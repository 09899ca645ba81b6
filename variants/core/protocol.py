"""What a variant is: frozen hyperparameters and a pure rule that asks an oracle for gradients."""

import dataclasses
import reprlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, dataclass_transform

from torch import Tensor

T = TypeVar("T")

Tree = dict[str, Tensor]
"""Tensors keyed as `model.named_parameters()`; a partial tree touches only its keys."""

State = dict[str, Any]
"""What a variant remembers: trees, 0-d tensors or numbers, of a structure fixed at step 0."""

Real = float | Tensor
"""A hyperparameter that may be a 0-d tensor, so that schedules and fleets need no new code."""

FORWARD = 1 / 3
"""Cost of a forward pass in gradient evaluations: the backward pass costs twice the forward."""


class Evaluation(NamedTuple):
    losses: Tensor
    """(rows,) loss of each sample, detached"""
    grads: Tree
    """gradient of `losses.mean()` for every trainable parameter, zero where none arrived

    It is the rule's own: forms of `ops` that end in an underscore may use it up.
    """


class Update(NamedTuple):
    grads: Tree
    """the direction that the base optimizer steps with"""
    direct: Tree | None = None
    """afterwards `w -= lr * direct`, past momentum and preconditioner (lr of the group)"""


class Oracle(Protocol):
    """One optimizer step as a variant sees it: the weights, and losses and gradients near them.

    Offsets `at` are added to w for one evaluation only; `rows` selects samples, (n,) int64.
    """

    @property
    def step(self) -> int:
        """Optimizer steps completed so far."""
        ...

    @property
    def total_steps(self) -> int:
        """Length of the run in steps; needs {"total_steps"}."""
        ...

    @property
    def size(self) -> int:
        """Samples in the batch. Unknown before the first evaluation, it costs a forward pass."""
        ...

    @property
    def fewest(self) -> int:
        """Rows that an evaluation takes at least: 2 where BatchNorm normalises over them, else 1.

        See `variants.driver.rows.highest`, by which rules select rows.
        """
        ...

    @property
    def params(self) -> Tree:
        """The weights w, detached. Read only."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """Name -> "norm" (any parameter of a normalisation layer), "bias" or "weight"."""
        ...

    @property
    def momentum(self) -> Tree:
        """The base optimizer's first moment, zeros before its first step; needs {"momentum"}."""
        ...

    def grad(
        self, at: Tree | None = None, rows: Tensor | None = None, *, perturbs: bool = True
    ) -> Evaluation:
        """Losses and gradient at w + at.

        perturbs: whether `at` is a perturbation, which groups of parameters may scale or refuse;
            else it is a step of w or a difference quotient's, and is taken as it stands
        """
        ...

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        """Losses alone at w + at: (rows,), one forward pass."""
        ...

    def preview(self, grads: Tree) -> Tree:
        """The offset by which the base optimizer would step with `grads`; changes nothing."""
        ...

    def normal(self, like: Tree) -> Tree:
        """Standard normal noise, a function of (seed, step, number of the call within the step)."""
        ...

    def uniform(self, like: Tree) -> Tree:
        """Noise uniform in [0, 1), drawn as `normal` draws."""
        ...

    def average(self, value: Tensor) -> Tensor:
        """The mean of `value` over processes that run one rule together; in one process, itself.

        Gradients are averages already, losses are each process's own: what a rule computes from
        losses, other than rows and decisions, goes through here.
        """
        ...

    def decide(self, flag: Tensor) -> bool:
        """The truth of a 0-d tensor on the host: the one legal wait (declare `dynamic`)."""
        ...


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter's default, the values it may take, and where a search should look."""

    default: Any
    """of the type `kind`"""
    kind: type
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[object, ...] | None = None
    range: tuple[float, float] | None = None
    log: bool = False

    @property
    def domain(self) -> str:
        """The legal values in words, e.g. ">= 0"."""
        if self.choices is not None:
            return "one of " + ", ".join(map(repr, self.choices))
        bounds = ((">=", self.ge), (">", self.gt), ("<=", self.le), ("<", self.lt))
        rules = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
        return " and ".join(rules) or f"any {self.kind.__name__}"

    def check(self, name: str, value: Any) -> None:
        """Raises ValueError unless `value` is legal; tensors are taken as they are."""
        if isinstance(value, Tensor):
            return
        if not self._fits(value):
            expected = {float: "a finite number", int: "a whole number", bool: "true or false"}
            wanted = expected.get(self.kind, f"a {self.kind.__name__}")
            raise ValueError(f"{name} must be {wanted}, got {name}={reprlib.repr(value)}")
        inside = (
            (self.choices is None or value in self.choices)
            and (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )
        if not inside:
            raise ValueError(f"{name} must be {self.domain}, got {name}={reprlib.repr(value)}")

    def _fits(self, value: object) -> bool:
        if self.kind is float:
            if not isinstance(value, int | float) or isinstance(value, bool):
                return False
            return abs(value) <= sys.float_info.max
        if self.kind is int:
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, self.kind)


def hyper(
    default: T,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: tuple[T, ...] | None = None,
    search: tuple[float, float] | None = None,
    log: bool = False,
) -> T:
    """Declares a hyperparameter: default, domain, and the range in which to search it.

    The first one with a `search` range is the variant's *radius*, searched by default beside the
    learning rate. The domain is checked at construction.
    """
    kind = Variant if isinstance(default, Variant) else type(default)
    declared = Hyperparameter(default, kind, ge, gt, le, lt, choices, search, log)
    return dataclasses.field(default=default, metadata={"hyper": declared})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(hyper,))
class Variant(ABC):
    """A sharpness-aware rule. Subclasses become frozen, keyword-only dataclasses by themselves.

    A rule is pure: it changes neither weights nor momentum nor `state`, keeps no tensor outside
    `state`, names no device, and calls nothing that waits for the accelerator except
    `oracle.decide`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    """what must be there: "momentum" of the base optimizer, "total_steps" of the run"""
    dynamic: ClassVar[bool] = False
    """whether the rule calls `oracle.decide`"""
    clean: ClassVar[bool] = True
    """whether the first evaluation of a step is at w"""
    scales: ClassVar[bool] = True
    """whether its perturbations scale with `rho`, so that a parameter group may have its own"""
    whole: ClassVar[bool] = False
    """whether it needs whole tensors, as to rank their entries: it cannot run on shards (FSDP2)"""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        doc = cls.__doc__
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        cls.__doc__ = doc  # where there is none, not a signature

    def __post_init__(self) -> None:
        for name, declared in self.hyperparameters().items():
            declared.check(name, getattr(self, name))

    @classmethod
    def hyperparameters(cls) -> Mapping[str, Hyperparameter]:
        """The declared hyperparameters, by name, in the order of the class."""
        fields = getattr(cls, "__dataclass_fields__", {}).values()
        return MappingProxyType(
            {f.name: f.metadata["hyper"] for f in fields if "hyper" in f.metadata}
        )

    @property
    @abstractmethod
    def passes(self) -> float:
        """Gradient evaluations of a step on average, in units of one forward and backward pass."""

    def init(self, params: Tree) -> State:
        """The state before the first step."""
        return {}

    def phase(self, step: int) -> Hashable:
        """Steps of equal phase run the same kernels."""
        return 0

    def phase_of(self, step: int, total_steps: int | None) -> Hashable:
        """The same, for a rule whose phases depend on the length of the run, if that is known."""
        return self.phase(step)

    @abstractmethod
    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        """One step of the rule: what to hand to the base optimizer, and the next state."""

    def after(self, oracle: Oracle, state: State) -> tuple[Tree | None, State]:
        """Runs at the new weights on the same batch; may return weights to replace them."""
        return None, state


def works_after(variant: Variant) -> bool:
    """Whether a rule has something to do at the new weights."""
    return type(variant).after is not Variant.after
