"""AE-LookSAM: LookSAM refreshed by AE-SAM's policy (Jiang et al. 2023, arXiv:2304.14647)."""

from typing import ClassVar

import torch

from variants.ae_sam import fresh, sam_share, trigger
from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register
from variants.looksam import component, reuse


@register(
    "ae_looksam",
    title="AE-LookSAM",
    paper="An Adaptive Policy to Employ Sharpness-Aware Minimization",
    arxiv="2304.14647",
    year=2023,
    copies=4.0,
)
class AELookSAM(Variant):
    """LookSAM that refreshes when the gradient is large, instead of every k-th step.

    where `ae_sam` triggers: direction = gs = grad L(w + rho g / |g|),  v as in `looksam`
    elsewhere:               direction = g + alpha * |g| * v;  v = 0 before the first refresh

    The paper reports 1.1 to 1.2 passes; the thresholds that give them are not known here, and
    lambda2 = 1, lambda1 = -1 triggers at half of the steps. Raise both for fewer.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    delta: Real = hyper(0.9, ge=0, lt=1)  # decay of mean and variance
    lambda1: float = hyper(-1.0)  # threshold at the last step, in standard deviations
    lambda2: float = hyper(1.0)  # threshold at the first step
    alpha: Real = hyper(0.7, ge=0)  # weight of the reused component

    needs: ClassVar[frozenset[str]] = frozenset({"total_steps"})
    dynamic: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 1.0 + sam_share(self.lambda1, self.lambda2)

    def init(self, params: Tree) -> State:
        return {"v": ops.each(torch.zeros_like, params), **fresh(params)}

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g, v = oracle.grad().grads, state["v"]
        large, moments = trigger(
            oracle, state, g, delta=self.delta, lambda1=self.lambda1, lambda2=self.lambda2
        )
        if not oracle.decide(large):
            return Update(reuse(g, v, self.alpha)), {"v": v, **moments}
        gs = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(gs), {"v": component(gs, g), **moments}
