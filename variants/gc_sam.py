"""GCSAM: gradient-centralised SAM (Hassan, Vakanski, Zhang, Xian 2025, arXiv:2501.11584)."""

from torch import Tensor

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "gc_sam",
    title="GCSAM",
    paper="GCSAM: Gradient Centralized Sharpness Aware Minimization",
    arxiv="2501.11584",
    year=2025,
    copies=1.2,
)
class GCSAM(Variant):
    """SAM on centralised gradients: each filter's gradient less its mean.

    direction = C(grad L(w + e)),  e = rho * C(g) / |C(g)|,  g = grad L(w)
    C subtracts the mean over all but the first dimension of matrices and kernels

    The norm is that of C(g), so |e| = rho (a public port centralises after normalising). rho = 0 is
    the base optimizer on centralised gradients; descent=False centralises in the ascent alone.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    descent: bool = hyper(True)  # centralise the direction as well

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = ops.each_(centralise, oracle.grad().grads)
        ga = oracle.grad(at=ops.ball_(g, self.rho)).grads
        return Update(ops.each_(centralise, ga) if self.descent else ga), state


def centralise(g: Tensor) -> Tensor:
    """`g` less its mean over all but the first dimension; vectors and scalars stay."""
    mean = g.mean(dim=tuple(range(1, g.ndim)), keepdim=True) if g.ndim > 1 else 0
    return g - mean
