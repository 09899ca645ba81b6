"""m-SAM: any variant on micro-batches (m-sharpness, Foret et al. 2021, arXiv:2010.01412)."""

from collections.abc import Hashable

import torch

from variants.core.protocol import Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import register
from variants.driver.batch import cut
from variants.driver.rows import RowsOracle, average, refuse
from variants.sam import SAM


@register(
    "m_sam",
    title="m-SAM",
    paper="Sharpness-Aware Minimization for Efficiently Improving Generalization",
    arxiv="2010.01412",
    year=2021,
    copies=4.0,
)
class MSAM(Variant):
    """A variant on each micro-batch of `size` samples by itself, and the mean of its directions.

    direction = sum_b |b| / |batch| * inner(b),  b = consecutive micro-batches of `size` samples
    (the last may be smaller; under BatchNorm a single sample goes to the micro-batch before it)

    Each b ascends along its own gradient (m-sharpness, m = size), as the workers of SAM's original
    code do. The passes are the inner variant's. Its state goes from one micro-batch to the next, so
    a running mean decays faster (VaSSO's starts anew at each micro-batch of step 0). Pass the batch
    size to `step(closure, size=...)`: unknown, it costs a forward pass. With it, the reported
    losses and the BatchNorm statistics are those of the first micro-batch.
    """

    inner: Variant = hyper(SAM(rho=0.05))  # or its name
    size: int = hyper(32, ge=1)  # samples of a micro-batch, m

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse(self.inner, "inner")
        for name in ("needs", "dynamic", "clean", "scales", "whole"):
            object.__setattr__(self, name, getattr(self.inner, name))

    @property
    def rho(self) -> Real | None:
        """The inner variant's radius, by which parameter groups are scaled."""
        return getattr(self.inner, "rho", None)

    @property
    def passes(self) -> float:
        return self.inner.passes

    def init(self, params: Tree) -> State:
        return self.inner.init(params)

    def phase_of(self, step: int, total_steps: int | None) -> Hashable:
        return self.inner.phase_of(step, total_steps)

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        device = next(iter(oracle.params.values())).device
        parts = cut(torch.arange(oracle.size, device=device), self.size, oracle.fewest)
        return average(self.inner, (RowsOracle(oracle, rows) for rows in parts), oracle.size, state)
