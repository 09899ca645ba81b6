"""F-SAM: friendly SAM (Li, Zhou, He, Cheng, Huang 2024, arXiv:2403.12350)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "friendly_sam",
    title="Friendly SAM",
    paper="Friendly Sharpness-Aware Minimization",
    arxiv="2403.12350",
    year=2024,
    copies=3.0,
)
class FriendlySAM(Variant):
    """SAM along the batch's noise: its gradient less a running mean of gradients (algorithm 1).

    direction = grad L(w + e),  e = rho * u / |u|,  u = g - sigma * m,  g = grad L(w)

    form="code": m is the mean of earlier steps, then m <- lam * m + (1 - lam) * g; the first step
    takes u = m = g. form="paper": m is updated first, from 0. From the same m, the two ascend alike
    for sigma = 1. sigma = 0 is SAM. If every step sees the same batch, u is rounding noise: it
    counts as 0, and the step is the base optimizer's.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    sigma: Real = hyper(1.0, ge=0)  # share of the mean removed
    lam: Real = hyper(0.9, ge=0, le=1, search=(0.6, 0.95))  # decay of the mean
    form: str = hyper("code", choices=("code", "paper"))

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {"m": ops.each(torch.zeros_like, params)}

    def phase(self, step: int) -> bool:
        return step == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g, old = oracle.grad().grads, state["m"]
        first = self.phase(oracle.step) and self.form == "code"
        m = g if first else ops.mix(g, old, self.lam)
        mean = m if self.form == "paper" else old
        ga = oracle.grad(at=ops.ball(g, self.rho) if first else self._ascent(g, mean)).grads
        return Update(ga), {"m": m}

    def _ascent(self, g: Tree, mean: Tree) -> Tree:
        """e for a gradient, which it uses up, and a mean."""
        length = ops.norm(g)
        return ops.ball_(ops.settle_(ops.add_(g, mean, -self.sigma), length), self.rho)
