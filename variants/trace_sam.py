"""Trace-SAM (Tahmasebi, Soleymani, Bahri, Jegelka, Jaillet 2024, arXiv:2406.03682)."""

from variants.core import ops
from variants.core.protocol import Oracle, Real, State, Update, Variant, hyper
from variants.core.registry import register


@register(
    "trace_sam",
    title="Trace-SAM",
    paper="A Universal Class of Sharpness-Aware Minimization Algorithms",
    arxiv="2406.03682",
    year=2024,
    copies=2.0,
)
class TraceSAM(Variant):
    """Penalises the trace of the Hessian, by gradients at n random points.

    direction = g + lam * mean_j (g_j - g),  g_j = grad L(w + rho * z_j),  g = grad L(w)

    sampler="normal" is the authors' code: z_j standard normal (it computes a norm and never divides
    by it). sampler="sphere" is the paper: z_j uniform on the unit sphere, which needs a rho larger
    by the root of the number of weights. As in the code, 1 / rho^2 is absorbed in lam.
    """

    rho: Real = hyper(0.01, ge=0, search=(1e-3, 0.1), log=True)  # deviation of each weight
    lam: Real = hyper(1.0, ge=0)  # weight of the penalty
    n: int = hyper(1, ge=1)  # random points
    sampler: str = hyper("normal", choices=("normal", "sphere"))

    @property
    def passes(self) -> float:
        return 1.0 + self.n

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = oracle.grad().grads
        near = ops.scale_(ops.total_(self._near(oracle) for _ in range(self.n)), 1 / self.n)
        return Update(ops.mix_(g, near, self.lam)), state

    def _near(self, oracle: Oracle) -> ops.Tree:
        z = oracle.normal(oracle.params)
        length = self.rho if self.sampler == "normal" else self.rho * ops.reciprocal(ops.norm(z))
        return oracle.grad(at=ops.scale_(z, length)).grads
