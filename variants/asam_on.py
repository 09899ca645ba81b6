"""ASAM-ON: ASAM on normalisation layers only (Mueller et al. 2023, arXiv:2306.04226)."""

import torch

from variants.asam import ASAM
from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register
from variants.sam_on import only_norm


@register(
    "asam_on",
    title="ASAM-ON",
    paper="Normalization Layers Are All That Sharpness-Aware Minimization Needs",
    arxiv="2306.04226",
    year=2023,
    copies=0.0,
)
class ASAMON(Variant):
    """SAM-ON in ASAM's ball (the authors' elementwise form, p = 2).

    direction = grad L(w + e),  e = rho * T^2 s / |T s| on normalisation layers, 0 elsewhere
    s = the part of grad L(w) in those layers;  T = |w| + eta for their scales, 1 for their shifts

    The authors' README runs rho = 10. Pitfalls: as `sam_on`.
    """

    rho: Real = hyper(0.5, ge=0, search=(0.1, 10.0), log=True)  # radius, relative to the scales
    eta: Real = hyper(0.01, ge=0)  # lower bound of T, so that a scale at 0 can move

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        part = ops.each(torch.clone, only_norm(oracle.grad().grads, oracle.kinds))
        asam = ASAM(rho=self.rho, eta=self.eta, form="samsung")
        return Update(oracle.grad(at=asam.ascent(oracle.params, part)).grads), state
