"""What trains on batches of any source: a model, and steps of SGD without more ado."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from sambench.bench.sources import Job
from sambench.bench.work import LR
from sambench.errors import UserError, said
from sambench.tasks import Batch
from sambench.tasks.images import models
from sambench.training import base_optimizer


class Trainee:
    """The same weights to begin with for all; it has taken one step. UserError if it cannot."""

    def __init__(self, job: Job) -> None:
        torch.manual_seed(0)
        name, size, side = job.task.model, job.train.batch_size, job.task.image_size
        try:
            model = models.build(job.task, channels=3, classes=job.classes)
        except UserError as error:
            raise UserError(f"--model: {str(error).partition(': ')[2]}") from None
        self.model = model.to(job.device).train()
        self.optimizer = base_optimizer(job.train, self.model, LR)
        self.steps = 0
        try:
            x = torch.zeros(size, 3, side or 1, side or 1, device=job.device)
            self.step(x, torch.zeros(size, dtype=torch.int64, device=job.device))
        except Exception as error:
            raise UserError(
                f"--model: {name} does not train on {size} images of {(side, side)}: {said(error)}"
            ) from error

    def learn(self, batches: Iterable[Batch]) -> None:
        """A step for each batch."""
        for x, y in batches:
            self.step(x, y)

    def step(self, x: Tensor, y: Tensor) -> None:
        """Forward, backward, update."""
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()
        self.steps += 1
