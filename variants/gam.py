"""GAM: gradient norm aware minimization (Zhang, Xu, Yu, Zou, Cui 2023, arXiv:2303.03108)."""

from typing import ClassVar

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "gam",
    title="GAM",
    paper="Gradient Norm Aware Minimization Seeks First-Order Flatness and Improves Generalization",
    arxiv="2303.03108",
    year=2023,
    copies=4.2,
)
class GAM(Variant):
    """First-order flatness: the largest gradient norm near w, not the largest loss.

    g0 = grad L(w),  g1 = grad L(w + rho g0 / |g0|),  e = rho_n (g1 - g0) / |g1 - g0|
    g2 = grad L(w + e),  g3 = grad L(w + e + rho g2 / |g2|)
    A = g0 + |beta2| g2,  B = beta1 g1 + beta3 g3
    direction = B - gamma * (A - <A, B> / |B|^2 B)

    This is the accelerated form of the authors' code; the paper's first form takes Hessian products
    and other hyperparameters. B sums two gradients, so the step is about twice SAM's: search lr
    anew. rho alone at 0 does not give the base optimizer (rho_n still perturbs).
    """

    rho: Real = hyper(0.02, ge=0, search=(0.01, 0.5), log=True)  # ascent from w and from w + e
    rho_n: Real = hyper(0.2, ge=0)  # radius of the ascent on the gradient norm
    beta1: Real = hyper(1.0)  # weight of g1
    beta2: Real = hyper(-1.0)  # weight of g2
    beta3: Real = hyper(1.0)  # weight of g3
    gamma: Real = hyper(0.03, ge=0)  # weight of the part of A orthogonal to B

    scales: ClassVar[bool] = False  # rho_n is another radius

    @property
    def passes(self) -> float:
        return 4.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g0 = oracle.grad().grads
        g1 = oracle.grad(at=ops.ball(g0, self.rho)).grads
        e = ops.ball_(ops.settle_(ops.sub(g1, g0), ops.norm(g0)), self.rho_n)
        g2 = oracle.grad(at=e).grads
        further = self.rho * ops.reciprocal(ops.norm(g2))
        g3 = oracle.grad(at=ops.add_(e, g2, further)).grads
        a = ops.add_(g0, g2, abs(self.beta2))
        b = ops.add_(ops.scale_(g1, self.beta1), g3, self.beta3)
        return Update(ops.add_(b, ops.reject_(a, b), -self.gamma)), state
