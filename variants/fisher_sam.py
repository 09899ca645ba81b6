"""FisherSAM (Kim, Li, Hu, Hospedales 2022, arXiv:2206.04920)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "fisher_sam",
    title="Fisher SAM",
    paper="Fisher SAM: Information Geometry and Sharpness Aware Minimisation",
    arxiv="2206.04920",
    year=2022,
    copies=1.2,
)
class FisherSAM(Variant):
    """SAM in the ellipsoid of a diagonal Fisher metric, e^T F e <= rho^2.

    direction = grad L(w + e),  e = rho * q / sqrt(<g, q>),  q = g / F
    F = 1 + eta * g^2 elementwise,  g = grad L(w)

    eta = 0 is SAM; squared batch gradients of a CNN are near 1e-6, so eta <= 1 nearly is. It is not
    invariant to the scale of the loss. The authors published no code; this is their diagonal form
    with the batch gradient, as in third-party ports, which call rho gamma.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius in the Fisher metric
    eta: Real = hyper(1.0, ge=0)  # weight of the Fisher information beside the identity

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=self._ascent(oracle.grad().grads)).grads), state

    def _ascent(self, g: Tree) -> Tree:
        q = ops.each(lambda t: t / (1 + self.eta * t.square()), g)
        return ops.scale_(q, self.rho * ops.reciprocal(torch.sqrt(ops.dot(g, q))))
