"""WSAM: weighted SAM (Yue, Jiang, Ye, Gao, Liu, Zhang 2023, arXiv:2305.15817)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "wsam",
    title="WSAM",
    paper="Sharpness-Aware Minimization Revisited: Weighted Sharpness as a Regularization Term",
    arxiv="2305.15817",
    year=2023,
    copies=2.0,
)
class WSAM(Variant):
    """The loss plus a times its sharpness L(w + e) - L(w), a = gamma / (1 - gamma).

    decouple=True:  direction = g, and then w -= lr * a * (ga - g), past momentum and preconditioner
    decouple=False: direction = g + a * (ga - g)
    ga = grad L(w + e),  e = rho * g / |g|,  g = grad L(w)

    gamma = 1/2, coupled, is SAM; 0 is the base optimizer. At gamma = 0.9 the sharpness moves w by
    9 times lr: search gamma and lr together. Clipping the direction does not reach the decoupled
    term. (The closure recipe in the authors' README counts the first gradient twice.)
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    gamma: Real = hyper(0.9, ge=0, lt=1, search=(0.5, 0.95))  # weight of the sharpness
    decouple: bool = hyper(True)

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        ga = oracle.grad(at=ops.ball(g, self.rho)).grads
        sharpness = ops.scale_(ops.add_(ga, g, -1.0), self.gamma / (1 - self.gamma))
        if self.decouple:
            return Update(g, direct=sharpness), state
        return Update(ops.add_(g, sharpness)), state
