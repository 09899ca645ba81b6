"""CR-SAM: curvature-regularized SAM (Wu, Luo, Wunsch 2024, arXiv:2312.13555)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "cr_sam",
    title="CR-SAM",
    paper="CR-SAM: Curvature Regularized Sharpness-Aware Minimization",
    arxiv="2312.13555",
    year=2024,
    copies=4.0,
)
class CRSAM(Variant):
    """SAM with a penalty on curvature, from the gradients on both sides of w.

    direction = gp + gamma * (gp + gm - 2 g) + beta * (gp - gm)
    gp = grad L(w + e),  gm = grad L(w - e),  e = rho * g / |g|,  g = grad L(w)

    This is the authors' code. The paper writes the penalty as the logarithm of a normalised trace
    of the Hessian. gamma = beta = 0 is SAM, for three passes.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    gamma: Real = hyper(0.1, ge=0)  # weight of the second difference
    beta: Real = hyper(0.1, ge=0)  # weight of the first difference; their script runs 0.01

    @property
    def passes(self) -> float:
        return 3.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        e = ops.ball(g, self.rho)
        gm = oracle.grad(at=ops.scale(e, -1.0)).grads
        gp = oracle.grad(at=e).grads
        both = ops.add_(ops.scale_(gp, 1 + self.gamma + self.beta), gm, self.gamma - self.beta)
        return Update(ops.add_(both, g, -2 * self.gamma)), state
