"""What a model predicts, and how its predictions are judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sambench.errors import UserError
from sambench.scores import (
    ACCURACY,
    AUROC,
    BALANCED_ACCURACY,
    F1_MACRO,
    F1_MICRO,
    LOSS,
    MAE,
    MAP,
    R2,
    RMSE,
    SQUARES,
)
from sambench.tasks import pseudovalues


@dataclass(frozen=True)
class Scored:
    """A model on a data set."""

    values: Mapping[str, float]
    """by name of a score"""
    items: Mapping[str, Tensor]
    """(n,) on the host, by name, of those scores of which single items can be kept"""


class Target(Protocol):
    """Outputs are what the model gives for a batch, (b, ...); y is what it should have given."""

    @property
    def watched(self) -> str:
        """A score that is a mean over items, followed while training too; "" for none."""
        ...

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        """What training minimises: (b,), or (b, k), whose further dimensions are averaged."""
        ...

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        """The values of the watched score, (b,); zeros where none is watched."""
        ...

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        """By name of a score that is a mean over items: its values, (b,) each."""
        ...

    def whole(self, name: str, outputs: Tensor, y: Tensor) -> float:
        """A score that is no mean over items, of a whole set on the host; NaN where there is none.

        UserError where the set lacks what the score needs.
        """
        ...

    def of_items(self, name: str, outputs: Tensor, y: Tensor) -> Tensor | None:
        """Of such a score: what is kept of single items, (n,), as `Score.items` says, if any."""
        ...

    def constant(self, y: Tensor) -> Tensor:
        """The outputs of a model that looks at no input and does its best on these, (n, ...)."""
        ...

    def gap(self, y: Tensor) -> str:
        """What a set lacks of what there is to predict, in words; "" if nothing."""
        ...


LISTED = 5  # classes by name
NEVER: dict[str, Any] = {"zero_division": 0.0}
"""F1 of a class that was neither found nor there."""


@dataclass(frozen=True)
class Classification:
    """One of several classes: y is (b,) int64; mixed with another one's it is (b, classes)."""

    classes: tuple[str, ...]
    item: str = "item"
    weights: Tensor | None = field(default=None, compare=False)
    """(classes,) float32: by which an item's loss is multiplied in training, for its class"""
    watched = ACCURACY.name

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        """Smoothed ones, times the weight of the class; of mixed items, of both as they share.

        outputs: (b, classes), or (b, k, classes) of k members, each with losses of its own
        """
        if outputs.ndim == 3:
            return self.losses(*_apart(outputs, y), smoothing).view(outputs.shape[:2])
        if self.weights is None:
            return F.cross_entropy(outputs, y, label_smoothing=smoothing, reduction="none")
        shares = F.one_hot(y, len(self.classes)) if y.ndim == 1 else y
        weighted = shares * self.weights
        of_classes = -outputs.log_softmax(1)
        smoothed = (1 - smoothing) * of_classes + smoothing * of_classes.mean(1, keepdim=True)
        return (weighted * smoothed).sum(1)

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Whether each prediction was right; of mixed items, on the class of the larger share; of
        members, how many of them were."""
        if outputs.ndim == 3:
            return self.watch(*_apart(outputs, y)).view(outputs.shape[:2]).float().mean(1)
        return outputs.argmax(1) == (y if y.ndim == 1 else y.argmax(1))

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        losses = F.cross_entropy(outputs, y, reduction="none")
        return {ACCURACY.name: self.watch(outputs, y), LOSS.name: losses}

    def whole(self, name: str, outputs: Tensor, y: Tensor) -> float:
        from sklearn import metrics  # slow to import

        labels, found = y.numpy(), outputs.argmax(1).numpy()
        if name == BALANCED_ACCURACY.name:
            return float(
                metrics.recall_score(labels, found, labels=np.unique(labels), average="macro")
            )
        if name == F1_MACRO.name:
            return float(metrics.f1_score(labels, found, average="macro", **NEVER))
        if name != AUROC.name:
            raise UserError(f"task.objective: {name} is no score of classes")
        if gap := self.gap(y):
            raise UserError(f"task.objective: {name} needs every class in every set, and {gap}")
        shares = outputs.double().softmax(1).numpy()
        by = shares[:, 1] if len(self.classes) == 2 else shares
        return float(metrics.roc_auc_score(labels, by, multi_class="ovr"))

    def of_items(self, name: str, outputs: Tensor, y: Tensor) -> Tensor | None:
        labels = y.numpy()
        if name == AUROC.name:
            return _known(pseudovalues.area(outputs.double().softmax(1).numpy(), labels))
        of = {
            BALANCED_ACCURACY.name: pseudovalues.balanced_accuracy,
            F1_MACRO.name: pseudovalues.f1_macro,
        }[name]
        return _known(of(labels, outputs.argmax(1).numpy()))

    def constant(self, y: Tensor) -> Tensor:
        most = torch.bincount(y, minlength=len(self.classes)).argmax()
        return F.one_hot(most, len(self.classes)).double().expand(len(y), -1)

    def gap(self, y: Tensor) -> str:
        counts = torch.bincount(y.cpu(), minlength=len(self.classes))
        return _missing("classes", self.classes, counts, self.item)


def _known(found: np.ndarray | None) -> Tensor | None:
    return None if found is None else torch.from_numpy(found)


def _missing(what: str, names: Sequence[str], counts: Tensor, item: str) -> str:
    missing = [name for name, num in zip(names, counts, strict=True) if not num]
    if not missing:
        return ""
    more = ", ..." if len(missing) > LISTED else ""
    listed = ", ".join(missing[:LISTED])
    return f"{len(missing)} of {len(names)} {what} have no {item} there: {listed}{more}"


@dataclass(frozen=True)
class MultiLabel:
    """Several of the labels, or none: y is (b, labels) float32, 0 or 1, mixed in between."""

    labels: tuple[str, ...]
    item: str = "item"
    watched = ""

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        """Binary cross-entropy, (b,), the mean over labels."""
        smoothed = y * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(outputs, smoothed, reduction="none").mean(1)

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        return torch.zeros(len(y), device=y.device)

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {LOSS.name: self.losses(outputs, y)}

    def whole(self, name: str, outputs: Tensor, y: Tensor) -> float:
        """Average precision is a mean over the labels that an item has there."""
        from sklearn import metrics  # slow to import

        there = y.sum(0) > 0
        truth, found = y.numpy().astype(int), (outputs > 0).numpy().astype(int)
        if name in (F1_MACRO.name, F1_MICRO.name):
            average = name.removeprefix("f1_")
            return float(metrics.f1_score(truth, found, average=average, **NEVER))
        if name != MAP.name:
            raise UserError(f"task.objective: {name} is no score of labels")
        if not there.any():
            return nan
        by = outputs.double()[:, there].numpy()
        return float(metrics.average_precision_score(truth[:, there.numpy()], by, average="macro"))

    def of_items(self, name: str, outputs: Tensor, y: Tensor) -> Tensor | None:
        truth = y.numpy() > 0
        if name == MAP.name:
            return _known(pseudovalues.precision(outputs.double().numpy(), truth))
        found, micro = (outputs > 0).numpy(), name == F1_MICRO.name
        return _known(pseudovalues.f1_of_labels(truth, found, micro=micro))

    def constant(self, y: Tensor) -> Tensor:
        """The logit of each label's share."""
        return y.double().mean(0).logit(1e-6).expand(len(y), -1)

    def gap(self, y: Tensor) -> str:
        return _missing("labels", self.labels, y.cpu().sum(0), self.item)


@dataclass(frozen=True)
class Regression:
    """A number: y is (b,) float in its own unit; outputs are standardised, (b,) or (b, 1), or
    (b, k, 1) of k members."""

    mean: float
    """of the training targets"""
    std: float
    watched = ""

    def losses(self, outputs: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        if outputs.ndim == 3:
            return self.losses(*_apart(outputs, y)).view(outputs.shape[:2])
        return (_flat(outputs) - (y - self.mean) / self.std) ** 2

    def watch(self, outputs: Tensor, y: Tensor) -> Tensor:
        return torch.zeros(len(y), device=y.device)

    def judged(self, outputs: Tensor, y: Tensor) -> dict[str, Tensor]:
        error = self._predicted(outputs) - y
        return {SQUARES.name: (error / self.std) ** 2, MAE.name: error.abs()}

    def whole(self, name: str, outputs: Tensor, y: Tensor) -> float:
        squares = ((self._predicted(outputs) - y) ** 2).mean()
        if name == RMSE.name:
            return float(squares.sqrt())
        if name != R2.name:
            choices = ", ".join((R2.name, RMSE.name, MAE.name))
            raise UserError(f"task.objective: {name} is no score of numbers; choose from {choices}")
        variance = y.double().var(correction=0)
        return float(1 - squares / variance) if variance > 0 else nan

    def of_items(self, name: str, outputs: Tensor, y: Tensor) -> Tensor | None:
        squares = (self._predicted(outputs) - y) ** 2
        return squares if name == RMSE.name else 1 - squares / y.double().var(correction=0)

    def constant(self, y: Tensor) -> Tensor:
        return ((y.double().mean() - self.mean) / self.std).expand(len(y))

    def gap(self, y: Tensor) -> str:
        return "" if y.unique().numel() > 1 else "all targets are the same number"

    def _predicted(self, outputs: Tensor) -> Tensor:
        return _flat(outputs).double() * self.std + self.mean


def _apart(outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Members' outputs, (b, k, ...), as those of b * k items."""
    return outputs.flatten(0, 1), y.repeat_interleave(outputs.shape[1], 0)


def _flat(outputs: Tensor) -> Tensor:
    return outputs if outputs.ndim == 1 else outputs.squeeze(1)


OUTPUTS, TRUTH = ".outputs", ".y"
"""Beside the names of scores: what those need that see a set as a whole."""


def judged(
    target: Target, outputs: Tensor, y: Tensor, asked: Sequence[str] | None
) -> dict[str, Tensor]:
    """Of a batch, what `scored` needs for these scores; None: those that are means over items."""
    found = target.judged(outputs, y)
    kept = {name: found[name] for name in asked or found if name in found}
    whole = len(kept) < len(asked or kept)
    return kept | ({OUTPUTS: outputs, TRUTH: y} if whole else {})


def scored(
    target: Target, judged: Mapping[str, Tensor], asked: Sequence[str] | None = None
) -> Scored:
    """Of all items of a data set."""
    of_items = {name: found for name, found in judged.items() if name not in (OUTPUTS, TRUTH)}
    values = {name: float(found.double().mean()) for name, found in of_items.items()}
    for name in asked or ():
        if name not in values:
            outputs, y = judged[OUTPUTS].cpu(), judged[TRUTH].cpu()
            lost = not outputs.isfinite().all()
            values[name] = nan if lost else target.whole(name, outputs, y)
            found = None if lost else target.of_items(name, outputs, y)
            of_items |= {} if found is None else {name: found}
    kept = {name: _kept(found) for name, found in of_items.items()}
    return Scored({name: values[name] for name in asked or values}, kept)


def _kept(found: Tensor) -> Tensor:
    """As records hold it: bool or single precision."""
    return found.cpu() if found.dtype == torch.bool else found.float().cpu()


def constant(target: Target, y: Tensor, asked: Sequence[str]) -> Mapping[str, float]:
    """What a model scores that looks at no input."""
    y = y.cpu()
    return scored(target, judged(target, target.constant(y), y, asked), asked).values
