"""Tensor-sum SAM: the form of a widely copied listing, not of a paper."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register("tensor_sum_sam", title="Tensor-sum SAM", copies=2.0)
class TensorSumSAM(Variant):
    """Every tensor ascends by the same distance, and both gradients count.

    direction = g + grad L(w + e),  e_i = rho * g_i / |g_i| for each tensor i,  g = grad L(w)

    The global radius is rho * sqrt(T) over the T tensors with a non-zero gradient: on a ResNet-18
    (62 tensors) rho = 0.05 is 0.39 in SAM's units. The sum doubles the gradient: SGD sees twice the
    learning rate and half the relative weight decay, so compare with SAM over a factor of 4 in lr;
    reduction="mean" halves it. The result depends on how weights are cut into tensors (fused QKV).
    The usual bugs of the listing are restoring every tensor with the last perturbation, and
    counting the first gradient twice.
    """

    rho: Real = hyper(0.01, ge=0, search=(5e-4, 0.05), log=True)  # radius of each tensor
    reduction: str = hyper("sum", choices=("sum", "mean"))

    @property
    def passes(self) -> float:
        return 2.0

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        total = ops.add_(g, oracle.grad(at=ops.balls(g, self.rho)).grads)
        return Update(total if self.reduction == "sum" else ops.scale_(total, 0.5)), state
