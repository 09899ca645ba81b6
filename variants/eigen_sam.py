"""Eigen-SAM (Luo, Truong, Pham, Harandi, Phung, Le 2024, arXiv:2501.12666)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "eigen_sam",
    title="Eigen-SAM",
    paper="Explicit Eigenvalue Regularization Improves Sharpness-Aware Minimization",
    arxiv="2501.12666",
    year=2024,
    copies=5.0,
)
class EigenSAM(Variant):
    """SAM whose ascent leans towards v, the top eigenvector of the Hessian (algorithm 1).

    direction = grad L(w + e),  e = rho * (u + alpha * sign(<g, v>) * (v - <u, v> u)),  u = g / |g|

    v is estimated on the batch every `freq` steps, by power iterations from the last v (from noise
    at first): v <- Hv / |Hv|. |e| is up to rho * sqrt(1 + alpha^2). form="code": the first estimate
    comes at step `freq`, and until then e = rho * g, not normalised, as in the authors' code;
    form="paper": v is there from the first step. Hv is a central difference of gradients (the code
    differentiates twice, with BatchNorm in eval mode): run the forward pass in float32 at least.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius without v's part
    alpha: Real = hyper(0.2, ge=0)  # weight of v's part
    freq: int = hyper(100, ge=1)  # steps from one estimate to the next
    power_iterations: int = hyper(5, ge=1)  # of one estimate, two gradients each
    form: str = hyper("code", choices=("code", "paper"))

    @property
    def passes(self) -> float:
        return 2.0 + 2.0 * self.power_iterations / self.freq

    def init(self, params: Tree) -> State:
        return {"v": ops.each(torch.zeros_like, params)}

    def phase(self, step: int) -> str:
        start = self.freq if self.form == "code" else 0
        if step < start:
            return "raw"
        if step == start:
            return "first"
        return "estimate" if step % self.freq == 0 else "reuse"

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        phase, g, v = self.phase(oracle.step), oracle.grad().grads, state["v"]
        if phase == "raw":
            return Update(oracle.grad(at=ops.scale_(g, self.rho)).grads), state
        if phase != "reuse":
            v = self._estimate(oracle, oracle.normal(g) if phase == "first" else v)
        return Update(oracle.grad(at=self._ascent(g, v)).grads), {"v": v}

    def _ascent(self, g: Tree, v: Tree) -> Tree:
        """e for the gradient, which it uses up, and the eigenvector."""
        side = self.alpha * torch.sign(ops.dot(g, v))
        u = ops.ball_(g, 1.0)
        lean = ops.add(v, u, -ops.dot(u, v))
        return ops.scale_(ops.add_(u, lean, side), self.rho)

    def _estimate(self, oracle: Oracle, v: Tree) -> Tree:
        for _ in range(self.power_iterations):
            v = ops.ball_(hessian_product(oracle, v), 1.0)
        return v


def hessian_product(oracle: Oracle, v: Tree) -> Tree:
    """The Hessian at w times v / |v|, by a central difference of two gradients."""
    eps = max(torch.finfo(t.dtype).eps for t in v.values())
    step = eps ** (1 / 3) * (1 + ops.norm(oracle.params))
    ahead = oracle.grad(at=ops.ball(v, step), perturbs=False).grads
    behind = oracle.grad(at=ops.ball(v, -step), perturbs=False).grads
    return ops.scale_(ops.add_(ahead, behind, -1.0), 1 / (2 * step))
