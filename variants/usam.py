"""USAM: SAM with un-normalised ascent (Andriushchenko, Flammarion 2022, arXiv:2206.06232)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "usam",
    title="USAM",
    paper="Towards Understanding Sharpness-Aware Minimization",
    arxiv="2206.06232",
    year=2022,
    copies=1.0,
)
class USAM(Variant):
    """SAM without the normalisation, as its analyses study it.

    direction = grad L(w + e),  e = rho * g,  g = grad L(w)

    rho has the units of a learning rate, about SAM's rho / |g|; |e| grows with the gradient, so
    this diverges where SAM does not, and depends on the scale of the loss.
    """

    rho: Real = hyper(0.1, ge=0, search=(1e-3, 1.0), log=True)  # ascent step, as a learning rate

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=ops.scale_(oracle.grad().grads, self.rho)).grads), state
