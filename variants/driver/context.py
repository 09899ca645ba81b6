"""What the steps of one optimizer have in common, and what each leaves to the next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor
from torch.optim import Optimizer

from variants.core.protocol import State, Tree
from variants.driver import noise as _noise
from variants.driver.alarms import Alarms
from variants.driver.buffers import Buffers
from variants.driver.gradients import Bystanders
from variants.driver.parameters import TrainedParameters
from variants.driver.replicas import Replicas
from variants.driver.trace import Trace

if TYPE_CHECKING:
    from variants.driver.oracle import ModelOracle

Draw = Callable[[_noise.Kind, Tree, int, int], Tree]
"""(kind, like, step, call) -> noise"""
Evaluate = Callable[["ModelOracle", Tensor | None, bool], tuple[Tensor | None, object]]
"""(oracle, rows, backward) -> losses and aux, at the weights as they are; gradients in `.grad`"""


@dataclass
class Context:
    """Belongs to a `SharpnessAware`; `Graphed`, which takes steps in its place, works on it too."""

    base: Optimizer
    trained: TrainedParameters
    buffers: Buffers
    replicas: Replicas
    bystanders: Bystanders
    seed: int
    total_steps: int | None
    noise: _noise.Replay | None
    state: State | None = None
    """the variant's; None before the first step"""
    dormant: State = field(default_factory=dict)
    """what it remembers of parameters that do not train now"""
    skipped: int | Tensor = 0
    room: list[Tensor] = field(default_factory=list)
    """what was the last backup of the weights: memory for the next one"""
    alarms: Alarms = field(default_factory=Alarms)
    trace: Trace = field(default_factory=Trace)
    """of the last step"""
    draws: Draw | None = None
    """takes the place of `draw`"""
    evaluate: Evaluate | None = None
    """takes the place of `ModelOracle.evaluate`"""

    def draw(self, kind: _noise.Kind, like: Tree, step: int, call: int) -> Tree:
        """Noise of a `kind`, for the call of this number in a step."""
        if self.noise is not None:
            return _noise.replay(self.noise, like, step=step, call=call)
        return _noise.draw(kind, like, seed=self.seed, step=step, call=call)
