"""R-SAM: random SAM (Liu, Mai, Cheng, Chen, Hsieh, You 2022, NeurIPS)."""

from typing import ClassVar

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register
from variants.rwp import filter_noise


@register(
    "random_sam",
    title="R-SAM",
    paper="Random Sharpness-Aware Minimization (NeurIPS 2022)",
    year=2022,
    copies=2.0,
)
class RandomSAM(Variant):
    """SAM whose ascent starts from a random point, which smooths the loss for one step's view.

    direction = grad L(w + e),  e = rho * (n + lam * gn) / |n + lam * gn|
    gn = grad L(w + n),  n ~ sigma * |filter| * N(0, 1)

    No public code of the authors was found to compare with, and the defaults of sigma and lam are
    ours. A public port adds the norms of n and gn instead of the vectors, and never restores w.
    Losses and BatchNorm statistics come from w + n: nothing is ever evaluated at w.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    sigma: Real = hyper(0.01, ge=0)  # deviation of the noise, in filter norms
    lam: Real = hyper(1.0, ge=0)  # weight of the gradient beside the noise

    clean: ClassVar[bool] = False
    scales: ClassVar[bool] = False  # the noise goes by sigma

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        n = filter_noise(oracle, self.sigma)
        e = ops.add_(n, oracle.grad(at=n).grads, self.lam)
        return Update(oracle.grad(at=ops.ball_(e, self.rho)).grads), state
