"""Hyperparameters under which short runs meet every branch of a rule; training on a few rows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import variants
from variants.testing import problem

HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "eigen_sam": {"freq": 2},
    "late_sam": {"start": 0.01, "every": 2},
    "look_layer_sam": {"k": 2},
    "looksam": {"k": 2},
    "m_sam": {"size": 4},
    "sparse_sam_d": {"update_freq": 2},
    "sparse_sam_f": {"update_freq": 2},
    "xsam": {"freq": 2},
}
ZERO: dict[str, dict[str, Any] | None] = {
    "esam": {"gamma": 1.0},
    "gam": {"rho_n": 0.0, "beta3": 0.0},
    "gc_sam": {"descent": False},
    "m_sam": {"inner": variants.create("plain"), "size": 8},
    "k_sam": None,  # it sorts the rows: masks go by position
    "sagm": {"alpha": 0.0},
    "sampa": None,
    "tensor_sum_sam": None,
    "tilted_sam": {"radius": 0.0},
}
"""what is the base optimizer at radius 0, see test_family.py; None: nothing is"""


def create(name: str, **others: Any) -> variants.Variant:
    return variants.create(name, **{**HYPERPARAMETERS.get(name, {}), **others})


def constant(step: int, call: int, like: dict) -> dict:
    """Noise that does not count draws, so that micro-batches and processes see the same."""
    rng = torch.Generator().manual_seed(step)
    return {n: torch.rand(t.shape, generator=rng, dtype=torch.float64) for n, t in like.items()}


class Training:
    """Tiny in training on batches of 8, in any precision."""

    def __init__(
        self,
        variant: str | variants.Variant,
        *,
        dtype: torch.dtype = torch.float32,
        model: nn.Module | None = None,
        lr: float = 0.05,
        base: Callable[..., torch.optim.Optimizer] | None = None,
        **options: Any,
    ) -> None:
        self.model = (model or problem.Tiny()).to(dtype)
        x, self.y = problem.data(8)
        self.x = x.to(dtype)
        base = base or (lambda p: torch.optim.SGD(p, lr=lr, momentum=0.9))
        variant = create(variant) if isinstance(variant, str) else variant
        self.opt = variants.SharpnessAware(
            base(self.model.parameters()), variant, self.model, total_steps=120, **options
        )
        self.start = self.weights()
        self.calls = 0

    def losses(self, rows: Any, batch: int = 0) -> Tensor:
        self.calls += 1
        logits = self.model(self.x[batch, rows])
        return F.cross_entropy(logits, self.y[batch, rows], reduction="none")

    def step(self, times: int = 1, wrap=lambda f: f, **cut: Any) -> "Training":
        for _ in range(times):
            batch = self.opt.steps % len(self.x)
            self.opt.step(wrap(lambda rows, b=batch: self.losses(rows, b)), **{"size": 8} | cut)
        return self

    def weights(self) -> dict[str, Tensor]:
        return {n: p.detach().clone() for n, p in self.model.named_parameters()}

    def moved(self) -> Tensor:
        """The way from the start, one float64 vector."""
        return torch.cat(
            [(p.double() - self.start[n].double()).flatten() for n, p in self.weights().items()]
        )


def gap(found: Tensor, wanted: Tensor) -> float:
    """Distance relative to the length of what was wanted."""
    return float((found - wanted).norm() / wanted.norm())


def flat(value: Any, path: str = "") -> dict[str, Tensor]:
    """All tensors in nested dicts, by their path; numbers as tensors, no words."""
    if isinstance(value, dict):
        return {k: v for n, x in value.items() for k, v in flat(x, f"{path}/{n}").items()}
    return {} if isinstance(value, str | list) else {path: torch.as_tensor(value)}
