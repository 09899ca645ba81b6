"""LookSAM (Liu, Mai, Chen, Hsieh, You 2022, arXiv:2203.02714)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


def component(gs: Tree, g: Tree) -> Tree:
    """v: the unit vector along the part of SAM's gradient gs that is orthogonal to g."""
    return ops.ball_(ops.reject(gs, g), 1.0)


def reuse(g: Tree, v: Tree, alpha: Real) -> Tree:
    """g + alpha * |g| * v; uses up g."""
    return ops.add_(g, v, alpha * ops.norm(g))


@register(
    "looksam",
    title="LookSAM",
    paper="Towards Efficient and Scalable Sharpness-Aware Minimization",
    arxiv="2203.02714",
    year=2022,
    copies=4.0,
)
class LookSAM(Variant):
    """SAM every k-th step; in between, its component orthogonal to g is reused (algorithm 1).

    steps 0, k, 2k, ...: direction = gs = grad L(w + rho g / |g|),  v = unit(gs - <gs, g> / |g|^2 g)
    other steps:         direction = g + alpha * |g| * v

    Norms and inner products are global, as in the paper; most public ports take them per tensor.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    k: int = hyper(5, ge=1)  # steps from one refresh to the next
    alpha: Real = hyper(0.7, ge=0)  # weight of the reused component

    @property
    def passes(self) -> float:
        return 1.0 + 1.0 / self.k

    def init(self, params: Tree) -> State:
        return {"v": ops.each(torch.zeros_like, params)}

    def phase(self, step: int) -> bool:
        return step % self.k == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        if not self.phase(oracle.step):
            return Update(reuse(g, state["v"], self.alpha)), state
        gs = oracle.grad(at=ops.ball(g, self.rho)).grads
        return Update(gs), {"v": component(gs, g)}
