"""RST: randomized sharpness-aware training (Zhao, Zhang, Hu 2022, arXiv:2203.09962)."""

from typing import ClassVar

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "rst",
    title="RST",
    paper=(
        "Randomized Sharpness-Aware Training for Boosting Computational Efficiency in Deep Learning"
    ),
    arxiv="2203.09962",
    year=2022,
    copies=2.0,
)
class RST(Variant):
    """SAM with probability p, else the base optimizer.

    with probability p: direction = (1 - alpha) * g + alpha * grad L(w + e),  e = rho * g / |g|
    else:               direction = g = grad L(w)

    alpha = 1 is RST, alpha != 1 its extension G-RST: alpha = 1 / p keeps the mean weight of the
    perturbed gradient at 1. p = 1 is SAM. The paper also schedules p over the run; here it is
    constant. The draw is the oracle's noise: equal on all ranks, as it must be.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    p: float = hyper(0.5, ge=0, le=1)  # share of the steps with a second pass
    alpha: Real = hyper(1.0, ge=0)  # weight of the perturbed gradient in those steps

    dynamic: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 1.0 + self.p

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        draw = oracle.uniform({"": ops.zero(g)})[""]
        if not oracle.decide(draw < self.p):
            return Update(g), state
        ga = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(ops.mix_(g, ga, self.alpha)), state
