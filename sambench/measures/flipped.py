"""Training items with wrong labels, and what a model takes them for after an epoch."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sambench.tasks import Data, Samples
from sambench.training import Engine, Run

MOST = 256
"""items: a fraction of an epoch's cost, and 3 points of standard error at most"""


class Flipped:
    """Of a run's training items whose label is wrong some at even distances, unaugmented."""

    def __init__(self, items: Samples, true: Tensor) -> None:
        self.items = items
        self.true = true

    @classmethod
    def of(cls, run: Run, data: Data, cache: Path | None) -> "Flipped | None":
        """None where no label is wrong."""
        task = run.study.task
        if not task.label_noise:
            return None
        true = task.true_labels(run.seeds.streams, cache)
        wrong = torch.nonzero(true != data.train.y.cpu()).flatten()
        num = min(len(wrong), MOST)
        some = wrong[torch.arange(num) * len(wrong) // max(num, 1)]
        return cls(data.train.rows(some.to(data.train.device)), true[some]) if num else None

    def told(self, engine: Engine) -> Mapping[str, float]:
        """Shares of them that the evaluated weights take for what the label says, and rightly."""
        predicted = engine.outputs(self.items).argmax(1)
        pairs = {"memorised": self.items.y.cpu(), "corrected": self.true}
        return {name: float((predicted == y).double().mean()) for name, y in pairs.items()}
