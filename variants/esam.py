"""ESAM: efficient SAM (Du, Yan, Feng, Zhou, Zhen, Goh, Tan 2022, arXiv:2110.03141)."""

from variants.core import ops
from variants.core.protocol import FORWARD, Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register
from variants.driver.rows import highest


@register(
    "esam",
    title="ESAM",
    paper="Efficient Sharpness-aware Minimization for Improved Training of Neural Networks",
    arxiv="2110.03141",
    year=2022,
    copies=2.0,
)
class ESAM(Variant):
    """SAM on a random part of the tensors and on the samples whose loss rises most (algorithm 1).

    direction = grad L(w + e; kept),  e = (rho / beta) * m g / |m g|,  g = grad L(w)

    m keeps each tensor with probability beta; kept are the k = gamma * batch samples (rounded down)
    of largest L_j(w + e) - L_j(w). The authors' code keeps one less (strictly above the k-th rise):
    keep="code"; keep="paper" keeps k. Both keep at least one, two under BatchNorm. At gamma = 1 all
    stay, without the forward pass that ranks samples (the code runs it all the same). Their mask
    comes from Python's `random` and leaves the first step whole; ours is the oracle's noise at
    every step.
    """

    rho: Real = hyper(0.05, ge=0, search=(0.01, 0.5), log=True)  # radius, in weight units
    beta: float = hyper(0.6, gt=0, le=1)  # share of the tensors perturbed
    gamma: float = hyper(0.5, gt=0, le=1)  # share of the batch in the second pass
    keep: str = hyper("code", choices=("code", "paper"))

    @property
    def passes(self) -> float:
        return 2.0 if self.gamma == 1 else 1.0 + FORWARD + self.gamma

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        losses, g = oracle.grad()
        e = ops.ball_(self._masked(oracle, g), self.rho / self.beta, tiny=1e-7)
        if self.gamma == 1:
            return Update(oracle.grad(at=e).grads), state
        rise = oracle.loss(at=e) - losses
        rows = highest(oracle, rise, self._kept(rise.numel()))
        return Update(oracle.grad(at=e, rows=rows).grads), state

    def _kept(self, batch: int) -> int:
        return int(self.gamma * batch) - (self.keep == "code")

    def _masked(self, oracle: Oracle, grads: Tree) -> Tree:
        if self.beta == 1:
            return grads
        draws = oracle.uniform(dict.fromkeys(grads, ops.zero(grads)))
        kept = ops.each(lambda u: u < self.beta, draws)
        return ops.times_(grads, kept)
