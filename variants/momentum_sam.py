"""MSAM: momentum-SAM (Becker, Altrock, Risse 2024, arXiv:2401.12033)."""

from typing import ClassVar

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "momentum_sam",
    title="Momentum-SAM",
    paper="Momentum-SAM: Sharpness Aware Minimization without Computational Overhead",
    arxiv="2401.12033",
    year=2024,
    copies=1.0,
)
class MomentumSAM(Variant):
    """One gradient a step, taken ahead along the momentum (algorithm 1).

    direction = grad L(w + e),  e = -rho * m / |m|,  m = the base optimizer's first moment

    Mind the minus: an overshoot of the coming step, which ascends the next batch's loss. The first
    step has no momentum and is the base optimizer's. Between steps the weights rest at w, so
    nothing must be moved back before evaluation; the authors' code keeps them at w + e. Their
    weight decay acts at w + e (SGD) or after Adam's update (AdamW), ours is the base optimizer's.
    |m| carries many steps, so the best rho for SGD is near 3; 0 during the warm-up of a ViT.
    Losses and BatchNorm statistics come from w + e: nothing is ever evaluated at w.
    """

    rho: Real = hyper(3.0, ge=0, search=(0.3, 10.0), log=True)  # radius, in weight units

    needs: ClassVar[frozenset[str]] = frozenset({"momentum"})
    clean: ClassVar[bool] = False

    @property
    def passes(self) -> float:
        return 1.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad(at=ops.ball(oracle.momentum, -self.rho)).grads), state
