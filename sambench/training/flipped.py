"""Training items with wrong labels, and what a model takes them for after an epoch."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sambench.tasks import Data, Samples
from sambench.training.engine import EVAL_BATCH, Engine
from sambench.training.precision import autocast, tf32
from sambench.training.run import Run

MOST = 256
"""items: a fraction of an epoch's cost, and 3 points of standard error at most"""


class Flipped:
    """Of a run's training items whose label is wrong some at even distances, unaugmented."""

    def __init__(self, items: Samples, true: Tensor) -> None:
        self.items = items
        self.true = true

    @classmethod
    def of(cls, run: Run, data: Data, cache: Path | None) -> "Flipped | None":
        """None where nobody asks, or no label is wrong."""
        if not run.follows_labels:
            return None
        true = run.study.task.true_labels(run.seeds.streams, cache)
        wrong = torch.nonzero(true != data.train.y.cpu()).flatten()
        num = min(len(wrong), MOST)
        some = wrong[torch.arange(num) * len(wrong) // max(num, 1)]
        return cls(data.train.rows(some.to(data.train.device)), true[some]) if num else None

    @torch.no_grad()
    def told(self, engine: Engine) -> Mapping[str, float]:
        """Shares of them that the evaluated weights take for what the label says, and rightly."""
        model, data = engine.evaluated, engine.data
        model.eval()
        found = []
        with tf32(engine.train.tf32), autocast(engine.train, engine.device):
            items = self.items.to(engine.device)
            for x, _ in data.eval_batches(items, batch_size=EVAL_BATCH):
                found.append(model(x).argmax(1).cpu())
        predicted = torch.cat(found)
        pairs = {"memorised": self.items.y.cpu(), "corrected": self.true}
        return {name: float((predicted == y).double().mean()) for name, y in pairs.items()}
