"""What a step evaluated: for its metrics, and for the decision whether it may be applied."""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from variants.core import ops
from variants.core.protocol import Tree


class Seen(NamedTuple):
    """What is left of an evaluation; its gradient only where metrics ask for it."""

    norm: Tensor
    losses: Tensor | None
    grads: Tree | None


@dataclass
class Trace:
    """The record of one step. `metrics` keeps gradients until `settle`, for their cosine."""

    metrics: bool = True
    passes: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    """of every evaluation that told them"""
    first: list[Tensor] = field(default_factory=list)
    """of the first evaluation of each part of the batch, (rows,); or its share of a scalar, ()"""
    aux: object = None
    reached: set[str] = field(default_factory=set)
    """parameters that some evaluation gave a gradient"""
    lost: Tensor | None = None
    """whether the perturbation was lost in the weights' precision, where that was watched"""
    _norms: list[Tensor] = field(default_factory=list)
    _latest: Tree | None = None
    _clean: Seen | None = None
    _perturbed: Seen | None = None
    _cosine: Tensor | None = None
    _radius: Tensor | None = None

    def saw(
        self,
        losses: Tensor | None,
        grads: Tree,
        radius: Tensor | None,
        *,
        perturbed: bool,
        clean: bool,
    ) -> None:
        """Notes a gradient: of `perturbed` weights, or `clean`, of the whole batch at w."""
        self._latest = grads
        seen = Seen(ops.norm(grads), losses, grads if self.metrics else None)
        self._norms.append(seen.norm)
        if perturbed:
            self._perturbed, self._radius = seen, radius
        elif clean:
            self._clean = self._clean or seen

    def reported(self) -> Tensor:
        """The losses of the first evaluation, (batch,) or (); NaN if a loop told none."""
        if not self.first:
            return torch.full((), float("nan"))
        return torch.cat(self.first) if self.first[0].ndim else torch.stack(self.first).sum()

    @property
    def first_norm(self) -> Tensor:
        """Of the first gradient, a 0-d tensor."""
        return self._norms[0]

    def is_latest(self, tree: Tree) -> bool:
        """Whether `tree` is the gradient that was evaluated last, as the oracle returned it."""
        return tree is self._latest

    def forget(self) -> None:
        """Lets go of the latest gradient: another evaluation begins."""
        self._latest = None

    def finite(self, *trees: Tree | None) -> Tensor:
        """Whether every evaluation so far and these trees are finite, a 0-d tensor."""
        evidence = [losses.sum() for losses in self.losses] + self._norms
        evidence += [ops.norm(tree) for tree in trees if tree and not self.is_latest(tree)]
        return torch.stack(evidence).isfinite().all()

    def settle(self) -> None:
        """Computes what needs gradients, and lets go of them."""
        self._latest = None
        a, b = self._clean, self._perturbed
        if a and b and a.grads is not None and b.grads is not None:
            self._cosine = ops.dot(a.grads, b.grads) / (a.norm * b.norm)
        self._clean = a and a._replace(grads=None)
        self._perturbed = b and b._replace(grads=None)

    def summary(self) -> dict[str, Tensor | float]:
        """The metrics, NaN where there are none."""
        nan = torch.full((), float("nan"))
        clean, perturbed, rise = self._clean, self._perturbed, nan
        before, after = clean and clean.losses, perturbed and perturbed.losses
        if before is not None and after is not None and before.shape == after.shape:
            rise = after.mean() - before.mean()
        return {
            "grad_norm": clean.norm if clean else nan,
            "grad_norm_perturbed": perturbed.norm if perturbed else nan,
            "cosine": nan if self._cosine is None else self._cosine,
            "rise": rise,
            "radius": nan if self._radius is None else self._radius,
            **({} if self.lost is None else {"lost": self.lost}),
            "passes": self.passes,
        }
