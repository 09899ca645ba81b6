"""An oracle of formulas alone: under FakeTensorMode and torch.vmap a rule shows what it does."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from variants.core.protocol import Evaluation, State, Tree, Update, Variant
from variants.driver.parameters import kinds
from variants.testing.problem import BATCHES, TOTAL_STEPS, Tiny

LR, MOMENTUM, SIZE = 0.05, 0.9, 8

_MODEL = Tiny()
_WEIGHTS = {n: p.detach().clone() for n, p in _MODEL.named_parameters()}
_RNG = torch.Generator().manual_seed(13)
_INPUTS = {
    n: torch.randn(BATCHES, SIZE, *w.shape, generator=_RNG, dtype=w.dtype) / 3
    for n, w in _WEIGHTS.items()
}
_TARGETS = torch.randn(BATCHES, SIZE, generator=_RNG, dtype=torch.float64)


def leaves(value: object) -> Iterator[Tensor]:
    """All tensors in nested dicts, lists and tuples."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for v in value.values():
            yield from leaves(v)
    elif isinstance(value, list | tuple):
        for v in value:
            yield from leaves(v)


class FunctionOracle:
    """One step of a regression, losses log cosh(<x, w> - y), with its gradients written out.

    The weights have the names and shapes of `Tiny`; noise is a formula of seed, step and call.

    answer: what `decide` returns; None refuses, for rules that do not declare `dynamic`
    watch: whether `changed` will be asked
    """

    kinds: Mapping[str, str] = kinds(_MODEL)
    total_steps = TOTAL_STEPS
    size = SIZE
    fewest = 1

    def __init__(
        self,
        params: Tree,
        momentum: Tree,
        *,
        step: int,
        seed: Tensor,
        answer: bool | None = None,
        watch: bool = False,
    ) -> None:
        self.params = params
        self.momentum = momentum
        self.step = step
        self.calls: list[tuple] = []
        """what was asked: name, names of the tensors handed in, number of rows"""
        self.offsets: list[Tree] = []
        """where losses or gradients were asked for, other than at w"""
        self._inputs = {n: x[step % BATCHES].to(seed.device) for n, x in _INPUTS.items()}
        self._targets = _TARGETS[step % BATCHES].to(seed.device)
        self._seed = seed
        self._answer = answer
        self._watch = watch
        self._draws = 0
        self._lent: list[tuple[Tensor, Tensor]] = []
        self.lend(params, momentum)

    def grad(
        self, at: Tree | None = None, rows: Tensor | None = None, *, perturbs: bool = True
    ) -> Evaluation:
        self._asked("grad", at, rows)
        inputs, misses = self._evaluate(at, rows)
        slopes = misses.tanh()
        grads = {n: torch.tensordot(slopes, x, 1) / len(slopes) for n, x in inputs.items()}
        losses = misses.cosh().log()
        self.lend(losses)
        return Evaluation(losses, grads)

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        self._asked("loss", at, rows)
        losses = self._evaluate(at, rows)[1].cosh().log()
        self.lend(losses)
        return losses

    def preview(self, grads: Tree) -> Tree:
        self._asked("preview", grads, None)
        return {n: -LR * (MOMENTUM * m + grads[n]) for n, m in self.momentum.items()}

    def normal(self, like: Tree) -> Tree:
        return {n: 2**0.5 * torch.erfinv(2 * u - 1) for n, u in self.uniform(like).items()}

    def uniform(self, like: Tree) -> Tree:
        self._asked("noise", like, None)
        self._draws += 1
        return {n: self._hash(t, i) for i, (n, t) in enumerate(like.items())}

    def average(self, value: Tensor) -> Tensor:
        self._asked("average", None, None)
        return value

    def decide(self, flag: Tensor) -> bool:
        assert self._answer is not None, "the rule calls oracle.decide: declare dynamic = True"
        assert flag.ndim == 0, f"decide takes a 0-d tensor, got {tuple(flag.shape)}"
        return self._answer

    def lend(self, *values: object) -> None:
        """Takes note of tensors that the rule may read only, if it is watched."""
        if self._watch:
            self._lent += [(t, t.clone()) for t in leaves(values)]

    def changed(self) -> bool:
        """Whether the rule wrote into a tensor that it was lent."""
        return any(not torch.equal(t, copy) for t, copy in self._lent)

    def _evaluate(self, at: Tree | None, rows: Tensor | None) -> tuple[Tree, Tensor]:
        """Inputs of the selected samples, and by how much each misses its target."""
        self.offsets += [{n: e.clone() for n, e in at.items()}] if at else []
        where = {n: p + at[n] if at and n in at else p for n, p in self.params.items()}
        chosen = slice(None) if rows is None else rows
        inputs = {n: x[chosen] for n, x in self._inputs.items()}
        found = sum((x * where[n]).reshape(len(x), -1).sum(1) for n, x in inputs.items())
        return inputs, found - self._targets[chosen]

    def _asked(self, what: str, tree: Tree | None, rows: Tensor | None) -> None:
        self.calls.append((what, tuple(tree or ()), None if rows is None else len(rows)))
        self.lend(rows)

    def _hash(self, t: Tensor, tensor: int) -> Tensor:
        index = torch.arange(t.numel(), device=t.device, dtype=t.dtype).reshape(t.shape)
        phase = 78.233 * self._seed + 37.719 * self.step + 9.31 * self._draws + 3.7 * tensor
        return (torch.sin(12.9898 * (index + 1) + phase) * 43758.5453).frac().abs()


class Replica(FunctionOracle):
    """One of the processes that run a rule together: gradients are shared, losses its own.

    agreed: what `average` returned to the first replica, for the others; None for the first
    """

    def __init__(self, step: int, rank: int, agreed: list[Tensor], *, answer: bool | None) -> None:
        weights = {n: w.clone() for n, w in _WEIGHTS.items()}
        moment = {n: w.cos() for n, w in weights.items()}
        super().__init__(
            weights, moment, step=step, seed=torch.zeros((), dtype=torch.float64), answer=answer
        )
        self._rank = rank
        self._agreed = agreed
        self._averages = 0

    def grad(
        self, at: Tree | None = None, rows: Tensor | None = None, *, perturbs: bool = True
    ) -> Evaluation:
        return Evaluation(self.loss(at, rows), super().grad(at).grads)

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        losses = super().loss(at)[: None if rows is None else len(rows)]
        return losses + self._rank * torch.arange(len(losses)).sin()

    def average(self, value: Tensor) -> Tensor:
        self._averages += 1
        if self._rank == 0:
            self._agreed.append(value)
        return self._agreed[self._averages - 1]


class Step(NamedTuple):
    """A step that a rule took."""

    oracle: FunctionOracle
    update: Update
    state: State
    """after the step"""
    params: Tree
    """the new weights"""


def simulate(
    variant: Variant,
    steps: Iterable[int],
    seed: Tensor,
    *,
    answer: bool | None = None,
    watch: bool = False,
) -> Iterator[Step]:
    """Steps of SGD with momentum under `variant`, as pure functions of `seed`, a 0-d tensor."""
    start = {n: w.to(seed.device) for n, w in _WEIGHTS.items()}
    params = {n: w + 0.1 * torch.sin(seed + w) for n, w in start.items()}
    momentum = {n: torch.zeros_like(p) for n, p in params.items()}
    state = variant.init(params)
    for step in steps:
        oracle = FunctionOracle(params, momentum, step=step, seed=seed, answer=answer, watch=watch)
        oracle.lend(state)
        update, state = variant.direction(oracle, state)
        _check(update.grads, params)
        momentum = {n: MOMENTUM * m + update.grads[n] for n, m in momentum.items()}
        params = {n: p - LR * momentum[n] for n, p in params.items()}
        if update.direct is not None:
            params = {n: p - LR * update.direct[n] for n, p in params.items()}
        there = FunctionOracle(params, momentum, step=step, seed=seed, answer=answer)
        replacement, state = variant.after(there, state)
        params = {**params, **(replacement or {})}
        yield Step(oracle, update, state, params)


def _check(direction: Tree, params: Tree) -> None:
    """AssertionError unless it moves every weight and nothing else."""
    missing, unknown = params.keys() - direction.keys(), direction.keys() - params.keys()
    assert not missing, f"has no direction for {', '.join(sorted(missing))}"
    assert not unknown, f"has a direction for {', '.join(sorted(unknown))}, which is no weight"
    for name, weight in params.items():
        found, wanted = tuple(direction[name].shape), tuple(weight.shape)
        assert found == wanted, f"its direction for {name} is {found}, the weight is {wanted}"
