"""Bilateral SAM (Deng, Pang, Zhang, Huang 2024, arXiv:2409.13173)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "bilateral_sam",
    title="Bilateral SAM",
    paper="Bilateral Sharpness-Aware Minimization for Flatter Minima",
    arxiv="2409.13173",
    year=2024,
    copies=3.0,
)
class BilateralSAM(Variant):
    """SAM that also shrinks L(w) - L(w - e), by how much the loss falls on the other side.

    direction = ga + g - |ga| / |gd| * gd,  u = g / |g|,  g = grad L(w)
    ga = grad L(w + rho * u),  gd = grad L(w - ratio * rho * u)

    From the authors' code: of the paper only the abstract was to be had. They keep rho and let
    ratio fall from 1 to 0 with the learning rate: `optimizer.set(ratio=...)` beside its schedule
    does so. Their backup of w shares its memory from the second perturbation on, so that their
    steps start at w - ratio * rho * u; here, as in every rule, they start at w.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    ratio: Real = hyper(1.0, ge=0)  # radius of the descent, in radii of the ascent

    @property
    def passes(self) -> float:
        return 3.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        up = oracle.grad(at=ops.ball(g, self.rho)).grads
        down = oracle.grad(at=ops.ball(g, -self.ratio * self.rho)).grads
        share = ops.norm(up) * ops.reciprocal(ops.norm(down), 0.0)
        return Update(ops.add_(ops.add_(up, g), down, -share)), state
