"""SSAM-F: sparse SAM by Fisher information (Mi et al. 2022, arXiv:2210.05177)."""

from typing import ClassVar

import torch

from variants.core import masks, ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "sparse_sam_f",
    title="SSAM-F",
    paper=("Make Sharpness-Aware Minimization Stronger: A Sparsified Perturbation Approach"),
    arxiv="2210.05177",
    year=2022,
    copies=4.0,
)
class SparseSAMF(Variant):
    """SAM on the weights of largest empirical Fisher information (algorithms 1 and 2).

    direction = grad L(w + e),  e = rho * m * g / |g|,  g = grad L(w);  |g| is of the whole gradient
    m = 1 at the (1 - sparsity) share of all weights with the largest sum_j (grad L_j(w))^2

    The samples j are the first of the batch, one gradient each, every `update_freq` steps. Each is
    evaluated beside a copy of itself, which changes nothing but lets BatchNorm after pooling run:
    2 * share passes, and more in time, for they run one by one. The authors take 16 (paper) or 1024
    (code) random samples of the training set once per some epochs; their mask is 0 at the first
    step, ours is fresh. |e| <= rho.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius of the unmasked ascent
    sparsity: float = hyper(0.5, ge=0, lt=1)  # share of the weights left alone
    update_freq: int = hyper(100, ge=1)  # steps from one mask to the next
    share: float = hyper(0.125, gt=0, le=1)  # share of the batch whose Fisher information counts

    whole: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 2.0 + 2.0 * self.share / self.update_freq

    def init(self, params: Tree) -> State:
        return {"mask": masks.none(params)}

    def phase(self, step: int) -> bool:
        return step % self.update_freq == 0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g, mask = oracle.grad().grads, state["mask"]
        if self.phase(oracle.step):
            mask = masks.top(self._fisher(oracle), int(masks.size(g) * (1 - self.sparsity)))
        ga = oracle.grad(at=ops.times_(ops.ball_(g, self.rho, tiny=1e-7), mask)).grads
        return Update(ga), {"mask": mask}

    def _fisher(self, oracle: Oracle) -> Tree:
        samples = max(int(self.share * oracle.size), 1)
        device = next(iter(oracle.params.values())).device
        rows = torch.arange(samples, device=device).repeat_interleave(2).split(2)
        return ops.total_(ops.each_(torch.square, oracle.grad(rows=row).grads) for row in rows)
