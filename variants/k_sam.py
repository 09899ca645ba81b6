"""K-SAM (Ni, Chiang, Geiping, Goldblum, Wilson, Goldstein 2022, arXiv:2210.12864)."""

from variants.core import ops
from variants.core.protocol import FORWARD, Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register
from variants.driver.rows import highest


@register(
    "k_sam",
    title="K-SAM",
    paper="K-SAM: Sharpness-Aware Minimization at the Speed of SGD",
    arxiv="2210.12864",
    year=2022,
    copies=1.0,
)
class KSAM(Variant):
    """SAM on the k samples of the batch with the largest losses.

    direction = grad L(w + e; top k),  e = rho * g / |g|,  g = grad L(w; top k)

    k = gamma * batch, at least 1, 2 under BatchNorm. A forward pass over the whole batch ranks the
    samples, and alone moves BatchNorm statistics. No public code of the authors. Wrong labels have
    large losses: under label noise the top k are mostly those. rho = 0 is the base optimizer on the
    top k.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    gamma: float = hyper(0.5, gt=0, le=1)  # share of the batch in both gradients

    @property
    def passes(self) -> float:
        return FORWARD + 2.0 * self.gamma

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        losses = oracle.loss()
        rows = highest(oracle, losses, int(self.gamma * losses.numel()))
        worst = oracle.grad(ops.ball_(oracle.grad(rows=rows).grads, self.rho), rows)
        return Update(worst.grads), state
