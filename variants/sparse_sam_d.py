"""SSAM-D: sparse SAM by dynamic sparse training (Mi et al. 2022, arXiv:2210.05177)."""

import math
from typing import ClassVar

import torch

from variants.core import masks, ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "sparse_sam_d",
    title="SSAM-D",
    paper=("Make Sharpness-Aware Minimization Stronger: A Sparsified Perturbation Approach"),
    arxiv="2210.05177",
    year=2022,
    copies=4.6,
)
class SparseSAMD(Variant):
    """SAM on a random part of the weights that follows the gradient (algorithms 1 and 3).

    direction = grad L(w + e),  e = rho * m * g / |g|,  g = grad L(w);  |g| is of the whole gradient
    every `update_freq` steps, after e: m loses its d entries of smallest |g| and gains d others at
    random,  d = drop_rate * (1 + cos(pi t / T)) / 2 of its entries,  t of T steps

    The mask holds P - ceil(P * sparsity) of P weights, drawn at the first step unless the state
    already has one. The authors count update_freq in epochs and also refresh at the very first
    step. |e| <= rho.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius of the unmasked ascent
    sparsity: float = hyper(0.5, ge=0, lt=1)  # share of the weights left alone
    update_freq: int = hyper(100, ge=1)  # steps from one refresh to the next
    drop_rate: float = hyper(0.5, ge=0, le=1)  # share of the mask replaced, at the start of the run

    needs: ClassVar[frozenset[str]] = frozenset({"total_steps"})
    whole: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {"mask": masks.none(params)}

    def phase(self, step: int) -> int:
        return step if step % self.update_freq == 0 else -1

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g, mask = oracle.grad().grads, state["mask"]
        if oracle.step == 0:
            empty = ~torch.stack([m.any() for m in mask.values()]).any()
            mask = ops.choose(empty, masks.top(oracle.uniform(g), self._live(g)), mask)
        live = mask
        if oracle.step and oracle.step % self.update_freq == 0:
            mask = self._refresh(oracle, g, mask)
        ga = oracle.grad(at=ops.times_(ops.ball_(g, self.rho, tiny=1e-7), live)).grads
        return Update(ga), {"mask": mask}

    def _live(self, tree: Tree) -> int:
        entries = masks.size(tree)
        return entries - math.ceil(entries * self.sparsity)

    def _refresh(self, oracle: Oracle, g: Tree, mask: Tree) -> Tree:
        live, progress = self._live(g), oracle.step / oracle.total_steps
        rate = self.drop_rate * (1 + math.cos(math.pi * progress)) / 2
        dropped = min(int(rate * live), masks.size(g) - live)
        size = ops.each(lambda t, m: torch.where(m, t.abs(), -1.0), g, mask)
        luck = ops.each(lambda u, m: torch.where(m, -1.0, u), oracle.uniform(g), mask)
        kept, grown = masks.top(size, live - dropped), masks.top(luck, dropped)
        return ops.each(torch.logical_or, kept, grown)
