"""Look-LayerSAM: LookSAM with layer-wise ascent (Liu et al. 2022, arXiv:2203.02714)."""

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register
from variants.layer_sam import LayerSAM
from variants.looksam import component, reuse


@register(
    "look_layer_sam",
    title="Look-LayerSAM",
    paper="Towards Efficient and Scalable Sharpness-Aware Minimization",
    arxiv="2203.02714",
    year=2022,
    copies=4.0,
)
class LookLayerSAM(Variant):
    """LookSAM whose every k-th step ascends as LayerSAM does (algorithm 2).

    steps 0, k, 2k, ...: direction = gs = grad L(w + e),  v = unit(gs - <gs, g> / |g|^2 g)
    other steps:         direction = g + alpha * |g| * v

    e, and what `form` means for it: see `layer_sam`.
    """

    rho: Real = hyper(0.1, ge=0, search=(0.01, 0.5), log=True)  # radius; trust: relative
    k: int = hyper(5, ge=1)  # steps from one refresh to the next
    alpha: Real = hyper(0.7, ge=0)  # weight of the reused component
    form: str = hyper("budget", choices=("budget", "trust"))

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
        layered = LayerSAM(rho=self.rho, form=self.form)
        gs = oracle.grad(at=layered.ascent(oracle.params, g)).grads
        return Update(gs), {"v": component(gs, g)}
