"""LE-SAM: loss-equated SAM (Wang, Liu, Xie, Gao 2026, arXiv:2605.10183)."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


@register(
    "le_sam",
    title="LE-SAM",
    paper=(
        "Fix the Loss, Not the Radius: Rethinking the Adversarial Perturbation of "
        "Sharpness-Aware Minimization"
    ),
    arxiv="2605.10183",
    year=2026,
    copies=1.0,
)
class LESAM(Variant):
    """SAM with the radius at which the loss rises, to first order, by a budget s.

    direction = grad L(w + e),  e = min(s / |g|, rho_max) * g / |g|,  g = grad L(w)

    The budget s is sigma, after a linear rise over the first `warmup` share of the run and before a
    cosine fall to 0 over the last `anneal` share; the authors' script steps it per epoch, here it
    moves every step (warmup = 0 for the paper's text). Their README takes the cap off
    (rho_max = 999; there rho_max = 0 does so too, here it is no perturbation). The radius grows as
    the gradient vanishes, up to rho_max, and depends on the scale of the loss.
    """

    sigma: Real = hyper(0.35, ge=0, search=(0.05, 1.0), log=True)  # budget, in units of the loss
    rho_max: Real = hyper(0.3, ge=0)  # largest radius, in weight units
    warmup: float = hyper(0.05, ge=0, le=1)  # share of the run
    anneal: float = hyper(0.2, ge=0, le=1)  # share of the run

    needs: ClassVar[frozenset[str]] = frozenset({"total_steps"})
    scales: ClassVar[bool] = False  # the radius is found

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup + self.anneal > 1:
            raise ValueError(f"warmup + anneal must be <= 1, got {self.warmup} and {self.anneal}")

    @property
    def passes(self) -> float:
        return 2.0

    def init(self, params: Tree) -> State:
        return {"step": ops.zero(params)}

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g, progress = oracle.grad().grads, state["step"] / oracle.total_steps
        n = ops.norm(g)
        rho = self.sigma * self._schedule(progress) * ops.reciprocal(n)
        rho = torch.minimum(rho.to(n.dtype), torch.ones_like(n) * self.rho_max)
        return Update(oracle.grad(at=ops.ball_(g, rho)).grads), {"step": state["step"] + 1}

    def _schedule(self, progress: Tensor) -> Tensor:
        """The share of sigma at this progress of the run, in [0, 1]."""
        rise = (progress / self.warmup).clamp(max=1.0) if self.warmup else 1.0
        if not self.anneal:
            return rise * torch.ones_like(progress)
        fall = ((progress - (1 - self.anneal)) / self.anneal).clamp(min=0.0)
        return rise * (1 + torch.cos(math.pi * fall)) / 2
