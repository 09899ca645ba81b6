"""Tilted SAM (Li, Zhou, Bilmes 2025, arXiv:2410.22656)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Evaluation, Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "tilted_sam",
    title="Tilted SAM",
    paper="Tilted Sharpness-Aware Minimization",
    arxiv="2410.22656",
    year=2025,
    copies=3.0,
)
class TiltedSAM(Variant):
    """SAM from n random points, the gradients weighed by the exponential of their losses.

    direction = sum_j p_j * gj,  p = softmax(tilt * l)
    lj, gj = loss and gradient at w + nj + rho * hj / |hj|,  hj = grad L(w + nj)
    nj ~ sigma * N(0, 1), shortened to |nj| = radius if longer,  j = 1..n

    tilt = 0 is the mean, a large tilt the worst point alone. The paper samples by a Hamiltonian
    step of length beta along hj, with weights exp((tilt - delta) * l); this is the authors' code,
    where that step is SAM's. Unless sigma is tiny, |nj| = radius for any model: their sampler
    "uniform". They search tilt in 0, 1, 5, 20, 100 and the scale of the loss matters.
    Losses and BatchNorm statistics come from w + n1: nothing is ever evaluated at w.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # of the ascent, in weight units
    tilt: Real = hyper(1.0, ge=0)  # per unit of the loss
    n: int = hyper(3, ge=1)  # random points, two gradients each
    radius: Real = hyper(1.0, ge=0)  # longest noise, in weight units
    sigma: Real = hyper(1.0, ge=0)  # deviation of the noise, in weight units

    clean: ClassVar[bool] = False
    scales: ClassVar[bool] = False  # the noise goes by radius

    @property
    def passes(self) -> float:
        return 2.0 * self.n

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        losses, mean = self._near(oracle)
        weight = self.tilt * oracle.average(losses.mean())  # log of the sum so far
        for _ in range(self.n - 1):
            losses, g = self._near(oracle)
            more = torch.logaddexp(weight, self.tilt * oracle.average(losses.mean()))
            mean, weight = ops.mix_(g, mean, torch.exp(weight - more)), more
        return Update(mean), state

    def _near(self, oracle: Oracle) -> Evaluation:
        z = oracle.normal(oracle.params)
        length = self.sigma * ops.norm(z)
        noise = ops.ball_(z, torch.minimum(length, torch.ones_like(length) * self.radius))
        h = oracle.grad(at=noise).grads
        return oracle.grad(at=ops.add_(ops.ball_(h, self.rho), noise))
