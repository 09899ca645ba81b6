"""The eager oracle: evaluates a model's losses and gradients at w + e, and leaves w as it was."""

import inspect
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from variants import _noise
from variants import _ops as ops
from variants._model import Buffers
from variants._protocol import FORWARD, Evaluation, Tree

Closure = Callable[..., Any]


@dataclass
class Trace:
    """What a step evaluated, for metrics and for the decision whether it may be applied."""

    passes: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    clean: Evaluation | None = None
    perturbed: Evaluation | None = None
    offset: Tree | None = None
    aux: Any = None
    reached: set[str] = field(default_factory=set)


@dataclass
class Batch:
    """A closure and how to cut its batch: `size` rows in micro-batches of at most `micro`."""

    closure: Closure
    size: int | None = None
    micro: int | None = None

    def __post_init__(self) -> None:
        if self.micro is not None and (self.micro < 1 or not self.size):
            raise ValueError(f"micro needs size and must be >= 1, got {self.micro=} {self.size=}")
        parameters = inspect.signature(self.closure).parameters.values()
        self.takes_rows = any(p.kind is not p.KEYWORD_ONLY for p in parameters)
        if self.micro is not None and not self.takes_rows:
            raise ValueError("micro-batches need a closure that takes rows: closure(rows)")

    def chunks(self, rows: Tensor | None, device: torch.device) -> list[tuple[Any, float]]:
        """The selections to evaluate one after the other, with their weights."""
        if self.micro is None or self.size is None:
            return [(slice(None) if rows is None else rows, 1.0)]
        selected = torch.arange(self.size, device=device) if rows is None else rows
        return [(c, len(c) / len(selected)) for c in selected.split(self.micro)]

    def losses(self, rows: Any, selected: bool) -> tuple[Tensor, Any]:
        """Per-sample losses (rows,) of the closure, and whatever else it returned."""
        if selected and not self.takes_rows:
            raise ValueError("this variant selects samples: the closure must take rows")
        result = self.closure(rows) if self.takes_rows else self.closure()
        losses, aux = result if isinstance(result, tuple) else (result, None)
        if not isinstance(losses, Tensor):
            raise ValueError(
                f"the closure must return a tensor of losses, got {type(losses).__name__}"
            )
        if losses.ndim == 0 and selected:
            raise ValueError("this variant selects samples: return losses with reduction='none'")
        return (losses.flatten(1).mean(1) if losses.ndim > 1 else losses.reshape(-1)), aux


class EagerOracle:
    """One step's oracle over a torch model. See `variants._protocol.Oracle` for the contract."""

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        batch: Batch,
        *,
        base: Optimizer,
        buffers: Buffers,
        backup: Tree,
        kinds: Mapping[str, str],
        radii: Mapping[str, float],
        scale: Tensor | None,
        seed: int,
        step: int,
        total_steps: int | None,
        noise: _noise.Replay | None,
    ) -> None:
        self.step = step
        self.kinds = kinds
        self.trace = Trace()
        self._total_steps = total_steps
        self._parameters = parameters
        self._batch = batch
        self._base = base
        self._buffers = buffers
        self._moved: list[Tensor] | None = None
        self._backup = backup
        self._saved: set[str] = set()
        self._radii = radii
        self._scale = scale
        self._seed = seed
        self._replay = noise
        self._calls = 0
        self._size = batch.size

    @property
    def total_steps(self) -> int:
        if self._total_steps is None:
            raise ValueError("this variant needs total_steps: SharpnessAware(..., total_steps=N)")
        return self._total_steps

    @property
    def size(self) -> int:
        return self.loss().numel() if self._size is None else self._size

    @property
    def params(self) -> Tree:
        return {name: p.detach() for name, p in self._parameters.items()}

    @property
    def momentum(self) -> Tree:
        return {name: self._moment(p) for name, p in self._parameters.items()}

    def _moment(self, p: nn.Parameter) -> Tensor:
        state = self._base.state.get(p, {})
        found = (state.get(key) for key in ("exp_avg", "momentum_buffer"))
        return next((m for m in found if m is not None), torch.zeros_like(p))

    def grad(self, at: Tree | None = None, rows: Tensor | None = None) -> Evaluation:
        for p in self._parameters.values():
            p.grad = None
        losses = self._evaluate(at, rows, backward=True)
        evaluation = Evaluation(losses, self._collect())
        self._note(evaluation, at, rows)
        return evaluation

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        return self._evaluate(at, rows, backward=False)

    def preview(self, grads: Tree) -> Tree:
        before = {name: p.detach().clone() for name, p in self._parameters.items()}
        state = {
            p: {k: v.clone() if isinstance(v, Tensor) else v for k, v in s.items()}
            for p, s in self._base.state.items()
        }
        self.assign(grads, grads.keys())
        try:
            self._base.step()
            return {name: p.detach() - before[name] for name, p in self._parameters.items()}
        finally:
            self._base.state.clear()
            self._base.state.update(state)
            for name, p in self._parameters.items():
                p.detach().copy_(before[name])
                p.grad = None

    def normal(self, like: Tree) -> Tree:
        return self._noise(torch.randn, like)

    def uniform(self, like: Tree) -> Tree:
        return self._noise(torch.rand, like)

    def _noise(self, kind: Callable[..., Tensor], like: Tree) -> Tree:
        call, self._calls = self._calls, self._calls + 1
        if self._replay is not None:
            return _noise.replay(self._replay, like, step=self.step, call=call)
        return _noise.draw(kind, like, seed=self._seed, step=self.step, call=call)

    def decide(self, flag: Tensor) -> bool:
        return bool(flag)

    def assign(self, grads: Tree, names: Container[str] | None = None) -> None:
        """Sets `.grad` of the named parameters: those that some evaluation of this step reached.

        To copies, because base optimizers (Nesterov) and clipping hooks change `.grad` in place.
        """
        chosen = self.trace.reached if names is None else names
        for name, p in self._parameters.items():
            p.grad = grads[name].to(p.dtype, copy=True) if name in chosen else None

    def moved(self) -> None:
        """Tells the oracle that the base optimizer changed the weights."""
        self._saved.clear()

    def _evaluate(self, at: Tree | None, rows: Tensor | None, *, backward: bool) -> Tensor:
        torch.clear_autocast_cache()  # else the casts of w serve for w + e, and SAM is its base
        with self._perturbed(at), self._statistics(), torch.set_grad_enabled(backward):
            losses = torch.cat(list(self._run(rows, backward)))
        torch.clear_autocast_cache()
        if rows is None and self._size is None:
            self._size = losses.numel()
        self.trace.losses.append(losses)
        whole = self._size or self.trace.losses[0].numel()
        share = 1.0 if rows is None else losses.numel() / whole
        self.trace.passes += share * (1.0 if backward else FORWARD)
        return losses

    def _run(self, rows: Tensor | None, backward: bool) -> Iterator[Tensor]:
        device = next(iter(self._parameters.values())).device
        for chunk, weight in self._batch.chunks(rows, device):
            losses, aux = self._batch.losses(chunk, selected=rows is not None)
            if not self.trace.losses:
                self.trace.aux = aux
            if backward:
                objective = losses.mean() * weight
                (objective if self._scale is None else objective * self._scale).backward()
            yield losses.detach()

    def _collect(self) -> Tree:
        grads: Tree = {}
        for name, p in self._parameters.items():
            if p.grad is None:
                grads[name] = torch.zeros_like(p)
                continue
            if p.grad.is_sparse:
                raise ValueError(f"{name} has a sparse gradient; use sparse=False in its embedding")
            self.trace.reached.add(name)
            grads[name], p.grad = p.grad, None
        return grads if self._scale is None else ops.scale(grads, 1 / self._scale)

    def _note(self, evaluation: Evaluation, at: Tree | None, rows: Tensor | None) -> None:
        if at is None and rows is None:
            self.trace.clean = self.trace.clean or evaluation
        elif at is not None:
            self.trace.perturbed, self.trace.offset = evaluation, at

    @contextmanager
    def _perturbed(self, at: Tree | None) -> Iterator[None]:
        """w + at for a while. w comes back by copy: w + e - e differs in its last bits."""
        offset = {n: e for n, e in (at or {}).items() if n in self._parameters}
        offset = {
            n: e * r if (r := self._radii.get(n, 1.0)) != 1.0 else e for n, e in offset.items()
        }
        if not offset:
            yield
            return
        live = [self._parameters[n].detach() for n in offset]
        for name, p in zip(offset, live, strict=True):
            if name not in self._saved:
                self._backup.setdefault(name, torch.empty_like(p)).copy_(p)
                self._saved.add(name)
        try:
            torch._foreach_add_(live, list(offset.values()))
            yield
        finally:
            torch._foreach_copy_(live, [self._backup[n] for n in offset])

    @contextmanager
    def _statistics(self) -> Iterator[None]:
        """Lets the first evaluation of a step move the buffers, and no later one."""
        first = self._moved is None
        try:
            yield
        finally:
            if self._moved is not None:
                self._buffers.restore(self._moved)
        if first:
            self._moved = self._buffers.save()
