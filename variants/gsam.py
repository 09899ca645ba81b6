"""GSAM (Zhuang, Gong, Yuan, Cui, Adam, Dvornek, Tatikonda, Duncan, Liu 2022, arXiv:2203.08065)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "gsam",
    title="GSAM",
    paper="Surrogate Gap Minimization Improves Sharpness-Aware Training",
    arxiv="2203.08065",
    year=2022,
    copies=2.2,
)
class GSAM(Variant):
    """SAM that also shrinks the gap L(w + e) - L(w) (algorithm 1).

    direction = ga - alpha * (g - <g, ga> / |ga|^2 ga)
    ga = grad L(w + e),  e = rho * g / |g|,  g = grad L(w)

    It is the clean g that is split along ga, not the reverse. The paper schedules rho in proportion
    to lr: set the `rho` of the parameter groups beside their lr, and clamp it at 0 while warm-up is
    below the smallest lr (their JAX code goes negative there).
    """

    rho: Real = hyper(0.05, ge=0, search=(0.02, 0.6), log=True)  # radius, in weight units
    alpha: Real = hyper(0.4, ge=0, search=(0.01, 0.7), log=True)  # weight of the gap's descent

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        ga = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(ops.add_(ga, ops.reject_(g, ga), -self.alpha)), state
