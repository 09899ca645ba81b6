"""AE-SAM: adaptive policy to employ SAM (Jiang, Yang, Zhang, Kwok 2023, arXiv:2304.14647)."""

import math
from typing import ClassVar

from torch import Tensor

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


def fresh(params: Tree) -> State:
    """Mean and variance of |g|^2 before the first step: zero."""
    return {"mean": ops.zero(params), "variance": ops.zero(params)}


def trigger(
    oracle: Oracle, state: State, g: Tree, *, delta: Real, lambda1: Real, lambda2: Real
) -> tuple[Tensor, State]:
    """Whether |g|^2 is large beside its past, a 0-d bool; and the next mean and variance."""
    square = ops.dot(g, g)
    mean = delta * state["mean"] + (1 - delta) * square
    variance = delta * state["variance"] + (1 - delta) * (square - mean) ** 2
    progress = oracle.step / oracle.total_steps
    c = progress * lambda1 + (1 - progress) * lambda2
    return square >= mean + c * variance.sqrt(), {"mean": mean, "variance": variance}


def sam_share(lambda1: float, lambda2: float) -> float:
    """Share of the steps that trigger over a run, if |g|^2 is normal, as the paper assumes."""
    thresholds = [lambda2 + (lambda1 - lambda2) * (i + 0.5) / 100 for i in range(100)]
    return sum(0.5 * math.erfc(float(c) / math.sqrt(2)) for c in thresholds) / len(thresholds)


@register(
    "ae_sam",
    title="AE-SAM",
    paper="An Adaptive Policy to Employ Sharpness-Aware Minimization",
    arxiv="2304.14647",
    year=2023,
    copies=1.0,
)
class AESAM(Variant):
    """SAM at the steps whose gradient is large, the base optimizer at the others (algorithm 1).

    SAM where |g|^2 >= mean + c * sqrt(variance),  c from lambda2 at the start to lambda1 at the end
    mean     <- delta * mean + (1 - delta) * |g|^2
    variance <- delta * variance + (1 - delta) * (|g|^2 - mean)^2, with the new mean; both from 0

    No public code of the authors. The falling threshold puts most SAM steps late; report the
    counted passes, the declared ones assume that |g|^2 is normally distributed. The threshold
    depends on the length of the run.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    delta: Real = hyper(0.9, ge=0, lt=1)  # decay of mean and variance
    lambda1: float = hyper(-1.0)  # threshold c at the last step, in standard deviations
    lambda2: float = hyper(1.0)  # threshold c at the first step

    needs: ClassVar[frozenset[str]] = frozenset({"total_steps"})
    dynamic: ClassVar[bool] = True

    @property
    def passes(self) -> float:
        return 1.0 + sam_share(self.lambda1, self.lambda2)

    def init(self, params: Tree) -> State:
        return fresh(params)

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        large, state = trigger(
            oracle, state, g, delta=self.delta, lambda1=self.lambda1, lambda2=self.lambda2
        )
        if not oracle.decide(large):
            return Update(g), state
        return Update(oracle.grad(at=ops.ball_(g, self.rho)).grads), state
