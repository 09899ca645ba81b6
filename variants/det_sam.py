"""Det-SAM (Tahmasebi, Soleymani, Bahri, Jegelka, Jaillet 2024, arXiv:2406.03682)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Evaluation, Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "det_sam",
    title="Det-SAM",
    paper="A Universal Class of Sharpness-Aware Minimization Algorithms",
    arxiv="2406.03682",
    year=2024,
    copies=4.0,
)
class DetSAM(Variant):
    """Penalises the determinant of the Hessian, by losses and gradients at n random points.

    direction = g + lam / S^3 * mean_j exp(-x_j / 2) * (g_j - g),  S = mean_j exp(-x_j / 2)
    x_j = (l_j - l) / rho^2;  l, g = loss and gradient at w,  l_j, g_j at w + rho * z_j
    z_j uniform in a cube of half length half_cube_len,  j = 1..n

    As in the authors' code, 1 / rho^2 is absorbed in lam. A small rho makes exp overflow.
    """

    rho: Real = hyper(1.0, ge=0, search=(0.1, 10.0), log=True)  # scale of the cube
    lam: Real = hyper(1.0, ge=0)  # weight of the penalty
    n: int = hyper(1, ge=1)  # random points
    half_cube_len: Real = hyper(0.01, gt=0)  # of each weight's interval, before rho

    scales: ClassVar[bool] = False  # the penalty divides by it

    @property
    def passes(self) -> float:
        return 1.0 + self.n

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        clean = oracle.grad()
        near = [self._near(oracle) for _ in range(self.n)]
        rises = torch.stack([e.losses.mean() for e in near]) - clean.losses.mean()
        rises = oracle.average(rises)  # (n,)
        weights = torch.exp(-0.5 * rises * ops.inverse_square(self.rho))  # (n,)
        factors = weights / self.n / weights.mean() ** 3
        pairs = zip(near, factors, strict=True)
        penalty = ops.total([ops.scale(ops.sub(e.grads, clean.grads), f) for e, f in pairs])
        return Update(ops.add(clean.grads, penalty, self.lam)), state

    def _near(self, oracle: Oracle) -> Evaluation:
        side = self.rho * self.half_cube_len
        draws = oracle.uniform(oracle.params)
        return oracle.grad(at=ops.each(lambda u: side * (2 * u - 1), draws))
