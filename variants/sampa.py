"""SAMPa: SAM parallelized (Xie, Pethick, Cevher 2024, arXiv:2410.10683)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "sampa",
    title="SAMPa",
    paper="SAMPa: Sharpness-aware Minimization Parallelized",
    arxiv="2410.10683",
    year=2024,
    copies=7.2,
)
class SAMPa(Variant):
    """SAM that ascends along the gradient at a point extrapolated one step earlier (algorithm 1).

    direction = (1 - lam) * g1 + lam * g2;  g at the first step
    g2 = grad L(y),  y = where the base optimizer would go with the last g2
    g1 = grad L(w + rho * g2 / |g2|) with the last g2 and on the last batch

    g1 is taken at the end of the previous step, when w is already new and its batch still here. As
    in the authors' code, y includes momentum and weight decay; the paper extrapolates by a plain
    gradient step. Two passes that can run on two devices; here one follows the other. lam = 0 is
    legal here (their code divides by lam). rho = 0 is not the base optimizer: y stays, and g1
    belongs to the previous batch.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    lam: Real = hyper(0.2, ge=0, le=1)  # weight of the extrapolated gradient

    clean: ClassVar[bool] = False

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {key: ops.each(torch.zeros_like, params) for key in ("g1", "g2")}

    def phase(self, step: int) -> bool:
        return step == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        if self.phase(oracle.step):
            g = oracle.grad().grads
            return Update(g), {**state, "g2": g}
        g2 = oracle.grad(at=oracle.preview(state["g2"]), perturbs=False).grads
        return Update(ops.mix(state["g1"], g2, self.lam)), {**state, "g2": g2}

    def after(self, oracle: Oracle, state: State) -> tuple[Tree | None, State]:
        g2 = state["g2"]
        g1 = oracle.grad(at=ops.ball(g2, self.rho)).grads
        usable = torch.isfinite(ops.norm(g1))  # else every later step would be skipped
        g1 = ops.each_(lambda new, old: torch.where(usable, new, old), g1, g2)
        return None, {**state, "g1": g1}
