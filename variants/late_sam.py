"""Late-phase SAM: any variant in the last part of a run, or at every few steps of it."""

from collections.abc import Hashable
from typing import cast

from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import changed, register
from variants.driver.rows import refuse
from variants.sam import SAM


@register(
    "late_sam",
    title="Late-phase SAM",
    paper="Sharpness-Aware Minimization Efficiently Selects Flatter Minima Late In Training",
    arxiv="2410.10373",
    year=2024,
    copies=1.0,
)
class LateSAM(Variant):
    """A variant from a share of the run on, at every few steps; else the base optimizer.

    direction = inner at steps s, s + every, s + 2 every, ...,  s = start * the run's steps
    else:       direction = grad L(w)

    The default is the paper's figure, SAM in the last 25 of 200 epochs; start = 0 with every = 5
    saves as LookSAM does, for any variant. The base optimizer's state goes through both, where the
    authors' code has one for each. The inner variant counts its own steps: schedules and periods
    run over those, and its state rests in between. Its rho is the one given here.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # the inner variant's radius
    inner: Variant = hyper(SAM(rho=0.05))  # or its name
    start: float = hyper(0.875, ge=0, le=1)  # share of the run before its first step
    every: int = hyper(1, ge=1)  # steps from one of its steps to the next

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse(self.inner, "inner")
        if "rho" in self.inner.hyperparameters():
            object.__setattr__(self, "inner", changed(self.inner, rho=self.rho))
        for name in ("dynamic", "clean", "scales", "whole"):
            object.__setattr__(self, name, getattr(self.inner, name))
        length = {"total_steps"} if self.start else set[str]()
        object.__setattr__(self, "needs", self.inner.needs | length)

    @property
    def passes(self) -> float:
        return 1.0 + (self.inner.passes - 1.0) * (1.0 - self.start) / self.every

    def init(self, params: Tree) -> State:
        return self.inner.init(params)

    def phase_of(self, step: int, total_steps: int | None) -> Hashable:
        taken = step - self._first(total_steps)
        if taken < 0 or taken % self.every:
            return "base"
        return "inner", self.inner.phase_of(taken // self.every, self._count(total_steps))

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        total = oracle.total_steps if "total_steps" in self.needs else None
        if self.phase_of(oracle.step, total) == "base":
            return Update(oracle.grad().grads), state
        taken = (oracle.step - self._first(total)) // self.every
        own = OwnSteps(oracle, taken, self._count(total))
        return self.inner.direction(cast(Oracle, own), state)

    def _first(self, total_steps: int | None) -> int:
        return round(self.start * total_steps) if total_steps else 0

    def _count(self, total_steps: int | None) -> int | None:
        """Steps of the inner variant over the run."""
        if total_steps is None:
            return None
        return -((self._first(total_steps) - total_steps) // self.every)


class OwnSteps:
    """`oracle`, which counts the steps of one rule alone."""

    def __init__(self, oracle: Oracle, step: int, total_steps: int | None) -> None:
        self._oracle = oracle
        self.step = step
        self.total_steps = total_steps

    def __getattr__(self, name: str) -> object:
        return getattr(self._oracle, name)
