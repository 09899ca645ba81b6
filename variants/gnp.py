"""GNP: gradient norm penalty (Zhao, Zhang, Hu 2022, arXiv:2202.03599)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "gnp",
    title="Gradient norm penalty",
    paper="Penalizing Gradient Norm for Efficiently Improving Generalization in Deep Learning",
    arxiv="2202.03599",
    year=2022,
    copies=2.0,
)
class GNP(Variant):
    """Descends L + lambda * |grad L|, its Hessian product by a finite difference (algorithm 1).

    direction = (1 - alpha) * g + alpha * grad L(w + e),  e = rho * g / |g|,  alpha = lambda / rho

    alpha = 1 is SAM, 0 the base optimizer. The paper writes r for rho. Warm rho or alpha up when
    Adam's lr warms up (the authors' follow-up). Clip the mixture, not its parts.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.3), log=True)  # step of the finite difference
    alpha: Real = hyper(0.8, ge=0, search=(0.3, 1.0))  # weight of the perturbed gradient

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        ga = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(ops.mix_(g, ga, self.alpha)), state
