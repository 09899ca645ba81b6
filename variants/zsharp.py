"""ZSharp: SAM with Z-score gradient filtering (Yun 2025, arXiv:2505.02369)."""

from typing import ClassVar

import torch
from torch import Tensor

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "zsharp",
    title="ZSharp",
    paper="Sharpness-Aware Minimization with Z-Score Gradient Filtering for Neural Networks",
    arxiv="2505.02369",
    year=2025,
    copies=2.0,
)
class ZSharp(Variant):
    """SAM along the outstanding entries of each tensor's gradient.

    direction = grad L(w + e);  f_i = the entries of g_i with |z| above its q-quantile, else 0
    z = (g_i - mean(g_i)) / std(g_i) within tensor i,  g = grad L(w)

    norm="tensor" is the author's code: e_i = rho * f_i / |f_i| for each matrix or kernel, so the
    global radius is near rho * sqrt(T) over T of them, and e_i = rho * g_i / |g| for vectors, which
    are not filtered. norm="global" is the paper: e = rho * f / |f| over all tensors, each filtered.
    Where nothing outstands (one entry, equal entries), the tensor ("global": all) keeps its g.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, see norm
    q: float = hyper(0.95, ge=0, lt=1)  # share of the entries that are filtered out
    norm: str = hyper("tensor", choices=("tensor", "global"))

    whole: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=self._ascent(oracle.grad().grads)).grads), state

    def _ascent(self, g: Tree) -> Tree:
        return self._by_tensor(g) if self.norm == "tensor" else self._globally(g)

    def _by_tensor(self, g: Tree) -> Tree:
        e = ops.ball(g, self.rho)
        for name in (n for n, t in g.items() if t.ndim > 1):
            f = {name: self._outstanding(g[name])}
            e[name] = ops.choose(ops.norm(f) > 0, ops.ball(f, self.rho), e)[name]
        return e

    def _globally(self, g: Tree) -> Tree:
        f = ops.each(self._outstanding, g)
        return ops.ball_(ops.choose(ops.norm(f) > 0, f, g), self.rho)

    def _outstanding(self, g: Tensor) -> Tensor:
        if g.numel() < 2:
            return torch.zeros_like(g)
        z = (g - g.mean()).abs()  # times the deviation, which changes no order
        # strictly above the q-quantile is above the order statistic below it, whatever the
        # interpolation; torch.quantile refuses tensors of more than 2^24 entries
        kept = g.numel() - int(self.q * (g.numel() - 1))
        return torch.where(z > z.flatten().topk(kept).values[-1], g, torch.zeros_like(g))
