"""A tiny training problem in float64: every kind of tensor a rule meets, 0.2 ms a pass."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from variants.core.protocol import Tree, Variant
from variants.driver.batch import Selection
from variants.driver.noise import Replay
from variants.driver.sharpness_aware import SharpnessAware

BATCHES = 16
TOTAL_STEPS = 60

Base = Callable[[nn.Module], torch.optim.Optimizer]


class Tiny(nn.Module):
    """Linear, LayerNorm, Linear, and one scalar parameter; 70 weights in 7 tensors."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            self.first = nn.Linear(5, 6)
            self.norm = nn.LayerNorm(6)
            self.last = nn.Linear(6, 3)
            self.temperature = nn.Parameter(torch.tensor(1.5))
            with torch.no_grad():  # away from 1 and 0, so that rules about scales show
                for p in self.norm.parameters():
                    p.add_(torch.randn(6), alpha=0.3)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.temperature * self.last(torch.tanh(self.norm(self.first(x))))


def data(size: int) -> tuple[Tensor, Tensor]:
    """Inputs (BATCHES, size, 5) and labels (BATCHES, size), always the same."""
    rng = torch.Generator().manual_seed(11)
    x = torch.randn(BATCHES, size, 5, generator=rng, dtype=torch.float64)
    return x, torch.randint(3, (BATCHES, size), generator=rng)


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """SGD with momentum, without weight decay: a zero gradient moves nothing."""
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW as torch has it."""
    return torch.optim.AdamW(model.parameters(), lr=0.01)


class OnPurposeError(Exception):
    """What a failing loss raises."""


@dataclass
class _Loss:
    model: nn.Module
    x: Tensor
    y: Tensor
    weight: float
    fail_at: int
    calls: int = 0

    def __call__(self, rows: Selection) -> Tensor:
        self.calls += 1
        if self.calls == self.fail_at:
            raise OnPurposeError
        logits = self.model(self.x[rows])
        return self.weight * F.cross_entropy(logits, self.y[rows], reduction="none")


class Run:
    """A model in training under a variant, with a batch of its own in every step."""

    def __init__(
        self,
        variant: Variant,
        base: Base = sgd,
        *,
        size: int = 8,
        model: nn.Module | None = None,
        seed: int = 0,
        total_steps: int = TOTAL_STEPS,
        noise: Replay | None = None,
    ) -> None:
        self.model = Tiny() if model is None else model
        self.opt = SharpnessAware(
            base(self.model), variant, self.model, seed=seed, total_steps=total_steps, noise=noise
        )
        self._x, self._y = data(size)

    def step(self, times: int = 1, *, weight: float = 1.0, fail_at: int = 0) -> "Run":
        """Takes steps. The loss is multiplied by `weight`; its `fail_at`-th evaluation raises."""
        for _ in range(times):
            batch = self.opt.steps % BATCHES
            x, y = self._x[batch], self._y[batch]
            self.opt.step(_Loss(self.model, x, y, weight, fail_at), size=len(x))
        return self

    def weights(self) -> Tree:
        """A copy of the model's parameters."""
        return {n: p.detach().clone() for n, p in self.model.named_parameters()}

    def memory(self) -> tuple[dict[str, Tensor], dict]:
        """What a checkpoint holds: copies of the model's and of the optimizer's state."""
        return copy.deepcopy((dict(self.model.state_dict()), self.opt.state_dict()))

    def recall(self, memory: tuple[dict[str, Tensor], dict]) -> "Run":
        """Continues from a checkpoint."""
        model, opt = copy.deepcopy(memory)  # torch's optimizers go on with the loaded tensors
        self.model.load_state_dict(model)
        self.opt.load_state_dict(opt)
        return self
