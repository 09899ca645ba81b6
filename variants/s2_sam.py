"""S2-SAM (Ji, Li, Fu, Afghah, Guo, Yuan, Ma 2024, NeurIPS)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "s2_sam",
    title="S2-SAM",
    paper=(
        "A Single-Step, Sharpness-Aware Minimization is All You Need to Achieve Efficient and "
        "Accurate Sparse Training (NeurIPS 2024)"
    ),
    year=2024,
    copies=3.0,
)
class S2SAM(Variant):
    """SAM at one gradient a step, along the gradient that the step before went by.

    direction = d = grad L(w + e),  e = rho * d' / |d'|,  d' = the last step's d

    e = 0 at the first step. From the authors' code; of the paper only the abstract and captions
    were to be had. d' was itself taken at a perturbed point, and on another batch. Their code
    perturbs only where gradients are zeroed rather than set to None: under torch 2 it trains
    without. Made for sparse training; masks are the base optimizer's matter.
    Losses and BatchNorm statistics come from w + e: nothing but the first step is evaluated at w.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units

    clean: ClassVar[bool] = False

    @property
    def passes(self) -> float:
        return 1.0

    def init(self, params: Tree) -> State:
        return {"d": ops.each(torch.zeros_like, params)}

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        d = oracle.grad(at=ops.ball(state["d"], self.rho)).grads
        return Update(d), {"d": d}
