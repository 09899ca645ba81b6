"""Half SAM: the mean of the gradients at w and at its worst neighbour."""

from variants import Update, Variant, hyper, ops, register


@register("half_sam", title="Half SAM", year=2026)
class HalfSAM(Variant):
    """direction = (g + grad L(w + e)) / 2,  e = rho * g / |g|,  g = grad L(w)"""

    rho: float = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)
    passes = 2.0  # gradient evaluations a step

    def direction(self, oracle, state):
        g = oracle.grad().grads
        ascended = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(ops.mix(g, ascended, 0.5)), state
