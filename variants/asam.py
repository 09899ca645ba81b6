"""ASAM: adaptive SAM (Kwon, Kim, Park, Choi 2021, arXiv:2102.11600)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "asam",
    title="ASAM",
    paper="ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning",
    arxiv="2102.11600",
    year=2021,
    copies=1.0,
)
class ASAM(Variant):
    """SAM in a ball that scales with the weights (eq. 12), invariant to rescaling them.

    direction = grad L(w + e),  e = rho * T^2 g / |T g|,  g = grad L(w)

    form="samsung" is the authors' code: T = |w| + eta for every tensor with "weight" in its name,
    those of normalisation layers included, and 1 for all others. form="davda" is the popular other
    one (davda54/sam, adaptive=True): T = |w| for every tensor, no eta. Their best radii differ by a
    factor of about 4: never carry a rho from one to the other.
    """

    rho: Real = hyper(0.5, ge=0, search=(0.1, 2.0), log=True)  # radius, relative to the weights
    eta: Real = hyper(0.01, ge=0)  # lower bound of T, so that a weight at 0 can move
    form: str = hyper("samsung", choices=("samsung", "davda"))

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        ga = oracle.grad(at=self.ascent(oracle.params, oracle.grad().grads)).grads
        return Update(ga), state

    def ascent(self, params: Tree, grads: Tree) -> Tree:
        """The offset e for gradients of any part of the parameters, which it uses up."""
        stretch = self._stretch({n: params[n] for n in grads})
        return ops.times_(ops.ball_(ops.times_(grads, stretch), self.rho), stretch)

    def _stretch(self, params: Tree) -> Tree:
        """T; 1 where a tensor is no weight."""
        if self.form == "davda":
            return ops.magnitudes(params)
        weights = {n: w for n, w in params.items() if "weight" in n}
        others = {n: torch.ones_like(w) for n, w in params.items() if n not in weights}
        return {**others, **ops.shift_(ops.magnitudes(weights), self.eta)}
