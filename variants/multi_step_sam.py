"""Multi-step SAM (form of Andriushchenko, Flammarion 2022, arXiv:2206.06232)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "multi_step_sam",
    title="Multi-step SAM",
    paper="Towards Understanding Sharpness-Aware Minimization",
    arxiv="2206.06232",
    year=2022,
    copies=2.0,
)
class MultiStepSAM(Variant):
    """SAM whose ascent takes several projected steps.

    direction = grad L(w + e);  e = 0, then n_iters times:
    e <- e + step_mult * rho * g / |g| with g = grad L(w + e), shortened to |e| = rho if longer

    n_iters = step_mult = 1 is SAM. The paper finds no gain from more steps, at n_iters + 1 passes.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    n_iters: int = hyper(3, ge=1)  # ascent steps
    step_mult: Real = hyper(0.5, gt=0)  # length of an ascent step, in radii

    @property
    def passes(self) -> float:
        return self.n_iters + 1.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        e = ops.ball_(oracle.grad().grads, self.step_mult * self.rho)
        e = self._project(e)
        for _ in range(self.n_iters - 1):
            g = oracle.grad(at=e).grads
            e = self._project(ops.add_(ops.ball_(g, self.step_mult * self.rho), e))
        return Update(oracle.grad(at=e).grads), state

    def _project(self, e: Tree) -> Tree:
        longest = self.rho * ops.reciprocal(ops.norm(e), 0.0)
        return ops.scale_(e, torch.where(longest > 0, longest.clamp(max=1.0), 1.0))
