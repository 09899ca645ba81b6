"""The eager oracle: evaluates a model's losses and gradients at w + e, and leaves w as it was."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from variants import _noise
from variants import _ops as ops
from variants._batch import Batch
from variants._model import Buffers, Saved
from variants._protocol import FORWARD, Evaluation, Tree
from variants._rewind import Rewind


@dataclass
class Trace:
    """What a step evaluated, for metrics and for the decision whether it may be applied."""

    passes: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    norms: list[Tensor] = field(default_factory=list)
    clean: Evaluation | None = None
    perturbed: Evaluation | None = None
    offset: Tree | None = None
    aux: Any = None
    reached: set[str] = field(default_factory=set)

    def finite(self, *trees: Tree) -> Tensor:
        """Whether every evaluation so far and these trees are finite, a 0-d tensor."""
        evidence = [losses.sum() for losses in self.losses] + self.norms
        evidence += [ops.norm(tree) for tree in trees if tree]
        return torch.stack([e.to(torch.float64) for e in evidence]).isfinite().all()


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
        self._moved: list[Saved] | None = None
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
        offset = self._offset(at)
        losses = self._evaluate(offset, rows, backward=True)
        evaluation = Evaluation(losses, self._collect())
        self.trace.norms.append(ops.norm(evaluation.grads))
        if at is not None:
            self.trace.perturbed, self.trace.offset = evaluation, offset
        elif rows is None:
            self.trace.clean = self.trace.clean or evaluation
        return evaluation

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        return self._evaluate(self._offset(at), rows, backward=False)

    def preview(self, grads: Tree) -> Tree:
        before = {name: p.detach().clone() for name, p in self._parameters.items()}
        rewind = Rewind(self._base)
        self.assign(grads)
        try:
            self._base.step()
            return {name: p.detach() - before[name] for name, p in self._parameters.items()}
        finally:
            rewind.restore()
            for p in self._parameters.values():
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

    def assign(self, grads: Tree) -> None:
        """Sets `.grad` of every parameter that some evaluation of this step reached.

        By copy: clipping and base optimizers write into `.grad`, which state and metrics may share.
        """
        reached = self.trace.reached if self.trace.losses else self._parameters.keys()
        for name, p in self._parameters.items():
            p.grad = grads[name].to(p.dtype, copy=True) if name in reached else None

    def moved(self) -> None:
        """Tells the oracle that the base optimizer changed the weights."""
        self._saved.clear()

    def _evaluate(self, offset: Tree, rows: Tensor | None, *, backward: bool) -> Tensor:
        torch.clear_autocast_cache()  # else the casts of w serve for w + e, and SAM is its base
        try:
            with self._perturbed(offset), self._statistics(), torch.set_grad_enabled(backward):
                losses = torch.cat(list(self._run(rows, backward)))
        finally:
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
        for i, (chunk, weight) in enumerate(self._batch.chunks(rows, device)):
            losses, aux = self._batch.losses(chunk, selected=rows is not None)
            if not self.trace.losses:
                self.trace.aux = aux
            if backward:
                self._check_graph(losses, first=i == 0)
                objective = losses.mean() * weight
                (objective if self._scale is None else objective * self._scale).backward()
            yield losses.detach()

    def _check_graph(self, losses: Tensor, first: bool) -> None:
        if first and any(p.grad is not None for p in self._parameters.values()):
            raise ValueError("the closure must not call backward(): `step` does")
        if not losses.requires_grad:
            raise ValueError("the closure's losses do not depend on any trained parameter")

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

    def _offset(self, at: Tree | None) -> Tree:
        """What is added to w for `at`: the part that trains, by the radius of its group."""
        trained = {n: e for n, e in (at or {}).items() if n in self._parameters}
        return {
            n: e * r if (r := self._radii.get(n, 1.0)) != 1.0 else e for n, e in trained.items()
        }

    @contextmanager
    def _perturbed(self, offset: Tree) -> Iterator[None]:
        """w + e for a while. w comes back by copy: w + e - e differs in its last bits."""
        if not offset:
            yield
            return
        live = [self._parameters[n].detach() for n in offset]
        for name, p in zip(offset, live, strict=True):
            if name not in self._saved:
                kept = self._backup.get(name)
                if kept is None or kept.dtype != p.dtype or kept.device != p.device:
                    kept = self._backup[name] = torch.empty_like(p)
                kept.copy_(p)
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
