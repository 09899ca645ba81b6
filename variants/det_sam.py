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
    copies=3.0,
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
        losses, g = oracle.grad()
        s, excess = ops.zero(g), {}
        for _ in range(self.n):
            near, gj = self._near(oracle)
            rise = oracle.average(near.mean() - losses.mean())
            weight = torch.exp(-0.5 * rise * ops.inverse_square(self.rho)) / self.n
            s, part = s + weight, ops.scale_(ops.add_(gj, g, -1.0), weight)
            excess = ops.add_(part, excess) if excess else part
        return Update(ops.add_(g, excess, self.lam / s**3)), state

    def _near(self, oracle: Oracle) -> Evaluation:
        side = self.rho * self.half_cube_len
        draws = ops.shift_(ops.scale_(oracle.uniform(oracle.params), 2 * side), -side)
        return oracle.grad(at=draws)
