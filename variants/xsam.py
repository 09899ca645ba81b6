"""XSAM: explicit SAM (Chen, Zhou 2026, arXiv:2603.10048)."""

from collections.abc import Callable

import torch
from torch import Tensor

from variants.core import ops
from variants.core.protocol import FORWARD, Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register

Circle = Callable[[Real, Real], Tree]
"""The vector of an angle, as a share of that from v0 to v1, and of a length."""


@register(
    "xsam",
    title="XSAM",
    paper=("Revisiting Sharpness-Aware Minimization: A More Faithful and Effective Implementation"),
    arxiv="2603.10048",
    year=2026,
    copies=3.0,
)
class XSAM(Variant):
    """SAM's gradient turned, in the plane of the ascent, towards where the loss is largest.

    direction = |ga| * v(alpha),  ga = grad L(w + e),  e = n_iters steps of rho / n_iters each,
    every one along the gradient where it starts;  v0 = e / |e|,  v1 = ga / |ga|
    v(alpha) = (sin((1 - alpha) t) * v0 + sin(alpha t) * v1) / sin(t),  t = the angle of v0 and v1
    every freq steps: alpha = argmax L(w + reach * rho * v(alpha)) over 0..alpha_max

    alpha = 1 is SAM. The authors find alpha anew on the first batch of an epoch: set freq to an
    epoch's steps (400 is CIFAR's at their batches of 125). Not X-SAM (arXiv:2601.10251).
    """

    rho: Real = hyper(0.15, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    n_iters: int = hyper(1, ge=1)  # ascent steps
    reach: Real = hyper(2.0, gt=0)  # distance at which alpha is judged, in radii
    alpha_max: float = hyper(2.0, ge=0)  # largest alpha that is tried
    points: int = hyper(21, ge=1)  # values of alpha that are tried
    freq: int = hyper(400, ge=1)  # steps from one search of alpha to the next

    @property
    def passes(self) -> float:
        return 1.0 + self.n_iters + FORWARD * self.points / self.freq

    def init(self, params: Tree) -> State:
        return {"alpha": ops.zero(params)}

    def phase(self, step: int) -> bool:
        return step % self.freq == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        stride = self.rho / self.n_iters
        way = ops.ball_(oracle.grad().grads, 1.0)
        for _ in range(self.n_iters - 1):
            g = oracle.grad(at=ops.scale(way, stride)).grads
            way = ops.add_(ops.ball_(g, 1.0), way)
        ga = oracle.grad(at=ops.scale(way, stride)).grads
        length = ops.norm(ga)
        turned = circle(ops.ball_(way, 1.0), ops.ball_(ga, 1.0))
        alpha = state["alpha"]
        if self.phase(oracle.step):
            alpha = self._search(oracle, turned, alpha)
        return Update(turned(alpha, length)), {"alpha": alpha}

    def _search(self, oracle: Oracle, turned: Circle, before: Tensor) -> Tensor:
        apart, reach = self.alpha_max / max(self.points - 1, 1), self.reach * self.rho
        losses = [oracle.loss(turned(apart * i, reach)).mean() for i in range(self.points)]
        best = oracle.average(torch.stack(losses)).argmax()
        return apart * best.type_as(before)


def circle(v0: Tree, v1: Tree) -> Circle:
    """The great circle from unit vectors v0 (alpha = 0) by v1 (alpha = 1) and beyond."""
    angle = torch.arccos(ops.dot(v0, v1).clamp(-1, 1))
    sine, half = angle.sin(), torch.full_like(angle, 0.5)
    flat = sine < 1e-8

    def turned(alpha: Real, length: Real) -> Tree:
        first = torch.where(flat, half, ((1 - alpha) * angle).sin() / sine)
        second = torch.where(flat, half, (alpha * angle).sin() / sine)
        return ops.add_(ops.scale(v0, length * first), v1, length * second)

    return turned
