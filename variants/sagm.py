"""SAGM: sharpness-aware gradient matching (Wang, Zhang, Lei, Zhang 2023, arXiv:2303.10353)."""

from typing import ClassVar

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "sagm",
    title="SAGM",
    paper="Sharpness-Aware Gradient Matching for Domain Generalization",
    arxiv="2303.10353",
    year=2023,
    copies=2.0,
)
class SAGM(Variant):
    """The mean of g and SAM's gradient, which is taken after a small step along -g.

    direction = (g + grad L(w + e)) / 2,  e = rho * g / |g| - alpha * g,  g = grad L(w)

    From the authors' code; of the paper only the abstract was to be had. alpha matches the two
    gradients, and has the scale of a learning rate; alpha = 0 is GNP with alpha = 0.5. They keep
    rho at 0.05, and leave alpha at 0.001 or search it up to 0.1.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    alpha: Real = hyper(0.001, ge=0)  # step back along the gradient

    scales: ClassVar[bool] = False  # that step has no radius

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        length = self.rho * ops.reciprocal(ops.norm(g)) - self.alpha
        ga = oracle.grad(at=ops.scale(g, length)).grads
        return Update(ops.mix_(g, ga, 0.5)), state
