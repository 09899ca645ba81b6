"""Stable SAM: renormalised SAM (Tan, Zhang, Liu, Wang, Hao 2024, arXiv:2401.07250)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "stable_sam",
    title="Stable SAM",
    paper="Stabilizing Sharpness-aware Minimization Through A Simple Renormalization Strategy",
    arxiv="2401.07250",
    year=2024,
    copies=1.0,
)
class StableSAM(Variant):
    """SAM's direction at the length of the clean gradient, which widens the range of stable lr.

    direction = |g| * ga / |ga|,  ga = grad L(w + e),  g = grad L(w)

    ascent="unit" is e = rho * g / |g|, the authors' `sam.py`; ascent="raw" is e = rho * g, their
    `usam.py`, which they mark as the form of the paper. The two need different radii.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius; raw: as a learning rate
    ascent: str = hyper("unit", choices=("unit", "raw"))

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        n = ops.norm(g)
        rho = self.rho * ops.reciprocal(n) if self.ascent == "unit" else self.rho
        return Update(ops.ball_(oracle.grad(at=ops.scale_(g, rho)).grads, n)), state
