"""AsyncSAM: SAM with a stale ascent (Jo, Lim, Lee 2025, arXiv:2503.11147)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "async_sam",
    title="AsyncSAM",
    paper="Asynchronous Sharpness-Aware Minimization For Fast and Accurate Deep Learning",
    arxiv="2503.11147",
    year=2025,
    copies=3.0,
)
class AsyncSAM(Variant):
    """SAM along the gradient of tau steps ago, so that both passes may run at once.

    direction = grad L(w + e),  e = rho * h / |h|,  h = grad L(w) as it was tau steps ago

    e = 0 at the first tau steps; tau = 0 is SAM. Both gradients of a step are taken on its whole
    batch, one after the other: the passes of SAM, the time of one only where they overlap.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    tau: int = hyper(1, ge=0)  # age of the ascent's gradient, in steps

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {f"g{age}": ops.each(torch.zeros_like, params) for age in range(1, self.tau + 1)}

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        ages = range(1, self.tau + 1)
        line = [oracle.grad().grads, *(state[f"g{age}"] for age in ages)]
        ga = oracle.grad(at=ops.ball(line[self.tau], self.rho)).grads
        return Update(ga), {f"g{age}": line[age - 1] for age in ages}
