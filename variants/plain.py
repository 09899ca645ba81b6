"""The baseline: no perturbation."""

from variants.core.protocol import Oracle, State, Update, Variant
from variants.core.registry import register


@register("plain", title="base optimizer alone", copies=0.0)
class Plain(Variant):
    """direction = grad L(w)"""

    @property
    def passes(self) -> float:
        return 1.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        return Update(oracle.grad().grads), state
