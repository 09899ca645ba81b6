"""A study as it would be written by hand: Optuna, timm, a DataLoader, pytorch_optimizer's SAM.

It searches, trains, scores and stores what a pool run of the suite does, and cares for no more.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import timm
import torch
from optuna.storages.journal import JournalFileBackend
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.transforms import v2

from sambench.bench import PEER
from sambench.config import BASELINE, Study
from sambench.tasks.images import Data, Images

Item = tuple[Tensor, ...]
"""an image, its label"""
Step = Callable[[Tensor, Tensor], object]


class Pictures(Dataset[Item]):
    """As torchvision's are: a transform for each picture."""

    def __init__(self, images: Images, transform: Callable[[Tensor], Tensor]) -> None:
        self.images = images
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images.x[i]), self.images.y[i]


def pictures(images: Images, data: Data) -> Dataset[Item]:
    """Normalised one by one."""
    scale = v2.ToDtype(torch.float32, scale=True)
    normalise = v2.Normalize(data.mean.tolist(), data.std.tolist())
    return Pictures(images, v2.Compose([scale, normalise]))


def tensors(images: Images, data: Data) -> Dataset[Item]:
    """Normalised beforehand, which nothing that is drawn for each picture allows."""
    mean, std = data.mean[:, None, None], data.std[:, None, None]
    return TensorDataset((images.x.float() / 255 - mean) / std, images.y)


@dataclass
class ByHand:
    """The program. `trial` is what a study repeats."""

    study: Study
    variant: str
    data: Data
    dataset: Callable[[Images, Data], Dataset[Item]]
    journal: Path
    lr: float
    rho: float
    """with which it trains, whatever was drawn"""
    evaluations: float = 0.0
    """batches whose gradient was taken"""

    def __post_init__(self) -> None:
        train, val = self.data.train, self.data.val
        assert isinstance(train, Images) and isinstance(val, Images)
        size = self.study.train.batch_size
        shuffled = {"batch_size": size, "shuffle": True, "drop_last": len(train) >= size}
        self.train = DataLoader(self.dataset(train, self.data), **shuffled)
        self.val = DataLoader(self.dataset(val, self.data), batch_size=1024)
        backend = JournalFileBackend(str(self.journal))
        self.trials = optuna.create_study(
            storage=optuna.storages.JournalStorage(backend),
            sampler=optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.NopPruner(),
            direction="maximize",
        )

    def trial(self) -> float:
        """The validation accuracy of one."""
        self.trials.optimize(self._objective, n_trials=1)
        return self.trials.trials[-1].value or 0.0

    def _objective(self, trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-3, 1.0, log=True)
        if self.variant != BASELINE:
            trial.suggest_float("rho", 1e-2, 0.5, log=True)
        sizes = self.data.sizes
        task, epochs = self.study.task, self.study.train.epochs
        model = timm.create_model(
            task.model, in_chans=sizes["channels"], num_classes=sizes["classes"], **task.model_args
        )
        optimizer, step = self._stepping(model)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(self.train))
        accuracy = 0.0
        for epoch in range(epochs):
            model.train()
            for x, y in self.train:
                step(x, y)
                schedule.step()
            accuracy = self._accuracy(model)
            trial.report(accuracy, epoch)
        return accuracy

    def _stepping(self, model: nn.Module) -> tuple[torch.optim.Optimizer, Step]:
        """The optimizer that the schedule drives, and a step."""
        settings = self.study.train
        own: dict[str, Any] = {"lr": self.lr, "momentum": settings.momentum}
        own["weight_decay"] = settings.weight_decay

        def backward(x: Tensor, y: Tensor) -> Tensor:
            self.evaluations += 1
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        if self.variant == BASELINE:
            sgd = torch.optim.SGD(model.parameters(), **own)

            def step(x: Tensor, y: Tensor) -> None:
                sgd.zero_grad()
                backward(x, y)
                sgd.step()

            return sgd, step
        sam = importlib.import_module(PEER).SAM(
            model.parameters(), torch.optim.SGD, rho=self.rho, **own
        )

        def closure(x: Tensor, y: Tensor) -> Tensor:
            sam.zero_grad()
            return backward(x, y)

        def sam_step(x: Tensor, y: Tensor) -> None:
            closure(x, y)
            sam.step(partial(closure, x, y))

        return sam.base_optimizer, sam_step

    @torch.no_grad()
    def _accuracy(self, model: nn.Module) -> float:
        model.eval()
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in self.val)
        return right / len(self.data.val)
