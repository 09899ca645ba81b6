"""SAM: sharpness-aware minimization (Foret, Kleiner, Mobahi, Neyshabur 2021, arXiv:2010.01412)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "sam",
    title="SAM",
    paper="Sharpness-Aware Minimization for Efficiently Improving Generalization",
    arxiv="2010.01412",
    year=2021,
    copies=1.0,
)
class SAM(Variant):
    """Gradient at the worst point of an l2 ball around w, to first order (eq. 2-3).

    direction = grad L(w + e),  e = rho * g / |g|,  g = grad L(w)

    Weight decay stays with the base optimizer, out of e (the authors' JAX code has it in the loss).
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=ops.ball_(oracle.grad().grads, self.rho)).grads), state
