"""VaSSO: variance-suppressed SAM (Li, Giannakis 2023, arXiv:2309.15639)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "vasso",
    title="VaSSO",
    paper="Enhancing Sharpness-Aware Optimization Through Variance Suppression",
    arxiv="2309.15639",
    year=2023,
    copies=3.0,
)
class VaSSO(Variant):
    """SAM along a running mean of the gradients (eq. 6).

    direction = grad L(w + e),  e = rho * d / |d|
    d <- (1 - theta) * d + theta * g,  from d = g at the first step;  g = grad L(w)

    theta = 1 is SAM. theta = 0.9 is the default of the authors' code; the paper also lists 0.2 and
    0.4.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    theta: Real = hyper(0.9, gt=0, le=1, search=(0.2, 0.9))  # weight of the newest gradient

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {"d": ops.each(torch.zeros_like, params)}

    def phase(self, step: int) -> bool:
        return step == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        d = g if self.phase(oracle.step) else ops.mix_(g, state["d"], 1 - self.theta)
        ga = oracle.grad(at=ops.ball(d, self.rho, tiny=1e-7)).grads
        return Update(ga), {"d": d}
