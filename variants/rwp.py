"""RWP: random weight perturbation (Li, Tao, Yan, Lei, Wu, Fang, He, Huang 2024, 2404.00357)."""

from typing import ClassVar

import torch

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


def filter_noise(oracle: Oracle, deviation: Real) -> Tree:
    """Normal noise of `deviation` times the norm of each weight's filter.

    A filter is what feeds one output (dimension 0); vectors and scalars are one filter.
    """
    norms = ops.each(_filter_norms, oracle.params)
    return ops.each_(lambda z, n: deviation * n * z, oracle.normal(oracle.params), norms)


def _filter_norms(w: torch.Tensor) -> torch.Tensor:
    dims = tuple(range(1, w.ndim)) if w.ndim > 1 else None
    return torch.linalg.vector_norm(w, dim=dims, keepdim=True)


@register(
    "rwp",
    title="RWP",
    paper="Revisiting Random Weight Perturbation for Efficiently Improving Generalization",
    arxiv="2404.00357",
    year=2024,
    copies=2.0,
)
class RWP(Variant):
    """The mixed loss at w and at a random point near it (the paper's m-RWP).

    direction = (1 - alpha) * grad L(w) + alpha * grad L(w + n),  n ~ gamma * |filter| * N(0, 1)

    The control for "must the perturbation be adversarial?". alpha = 1 is plain RWP. The two
    gradients do not depend on each other; the authors take them on two devices and two batches,
    here they share one.
    """

    gamma: Real = hyper(0.01, ge=0, search=(1e-3, 0.1), log=True)  # noise, in filter norms
    alpha: Real = hyper(0.5, ge=0, le=1)  # weight of the loss at the random point

    scales: ClassVar[bool] = False  # the noise has no radius

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        noisy = oracle.grad(at=filter_noise(oracle, self.gamma)).grads
        return Update(ops.mix_(g, noisy, self.alpha)), state
