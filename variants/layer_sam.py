"""LayerSAM: the layer-wise ascent of Look-LayerSAM (Liu et al. 2022, arXiv:2203.02714)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "layer_sam",
    title="LayerSAM",
    paper="Towards Efficient and Scalable Sharpness-Aware Minimization",
    arxiv="2203.02714",
    year=2022,
    copies=1.0,
)
class LayerSAM(Variant):
    """SAM with a radius of its own for each of the T tensors.

    direction = grad L(w + e),  e_i = rho_i * g_i / |g_i| for each tensor i,  g = grad L(w)

    form="budget": rho_i = rho / sqrt(T), a global radius of rho. form="trust": rho_i = rho * |w_i|,
    the paper's trust ratio, up to a normaliser on which its only public port disagrees; rho is then
    relative to the weights. A tensor whose gradient is 0 stays where it is.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius; trust: relative
    form: str = hyper("budget", choices=("budget", "trust"))

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=self.ascent(oracle.params, oracle.grad().grads)).grads), state

    def ascent(self, params: Tree, grads: Tree) -> Tree:
        """The offset e."""
        if self.form == "budget":
            return ops.balls(grads, self.rho * len(grads) ** -0.5)
        return ops.balls(grads, self.rho * ops.norms({n: params[n] for n in grads}))
