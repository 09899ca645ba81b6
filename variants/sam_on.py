"""SAM-ON: SAM on normalisation layers (Mueller, Vlaar, Rolnick, Hein 2023, arXiv:2306.04226)."""

from collections.abc import Mapping

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register


def only_norm(grads: Tree, kinds: Mapping[str, str]) -> Tree:
    """The part of `grads` that belongs to normalisation layers."""
    return {name: g for name, g in grads.items() if kinds[name] == "norm"}


@register(
    "sam_on",
    title="SAM-ON",
    paper="Normalization Layers Are All That Sharpness-Aware Minimization Needs",
    arxiv="2306.04226",
    year=2023,
    copies=0.0,
)
class SAMON(Variant):
    """SAM that perturbs scales and shifts of normalisation layers, and updates everything.

    direction = grad L(w + e),  e = rho * s / |s| on normalisation layers, 0 elsewhere
    s = the part of grad L(w) in those layers; the norm is over that part only

    The layers are found by module type; the authors' code goes by "norm" or "bn" in the name and so
    misses shortcut norms (`downsample.1`). The radius is several times SAM's. Without normalisation
    layers this is the base optimizer, at twice its cost.
    """

    rho: Real = hyper(0.5, ge=0, search=(0.05, 5.0), log=True)  # radius, in weight units

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        part = only_norm(oracle.grad().grads, oracle.kinds)
        return Update(oracle.grad(at=ops.ball(part, self.rho)).grads), state
