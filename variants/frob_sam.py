"""Frob-SAM (Tahmasebi, Soleymani, Bahri, Jegelka, Jaillet 2024, arXiv:2406.03682)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "frob_sam",
    title="Frob-SAM",
    paper="A Universal Class of Sharpness-Aware Minimization Algorithms",
    arxiv="2406.03682",
    year=2024,
    copies=3.0,
)
class FrobSAM(Variant):
    """Penalises the Frobenius norm of the Hessian, by losses and gradients at n random points.

    direction = g + lam / rho^2 * cov_j(l_j, g_j),  g = grad L(w)
    l_j, g_j = loss and gradient at w + rho * z_j,  z_j standard normal,  j = 1..n
    cov is the sample covariance, with n - 1 in the denominator

    z is not normalised: rho = 0.005 with 11 million weights is a radius of 16.
    """

    rho: Real = hyper(0.005, ge=0, search=(5e-4, 0.05), log=True)  # deviation of each weight
    lam: Real = hyper(0.005, ge=0)  # weight of the penalty
    n: int = hyper(2, ge=2)  # random points

    scales: ClassVar[bool] = False  # the penalty divides by it

    @property
    def passes(self) -> float:
        return 1.0 + self.n

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        near = [oracle.grad(at=ops.scale_(oracle.normal(g), self.rho)) for _ in range(self.n)]
        losses = oracle.average(torch.stack([e.losses.mean() for e in near]))
        excess = (losses - losses.mean()) / (self.n - 1)  # (n,)
        pairs = zip(near, excess, strict=True)
        covariance = ops.total_(ops.scale_(e.grads, x) for e, x in pairs)
        return Update(ops.add_(g, covariance, self.lam * ops.inverse_square(self.rho))), state
