"""What a model says of items, for measures that need no gradient."""

from collections.abc import Iterable

import numpy as np
import torch
from scipy.special import softmax

from sambench.errors import UserError
from sambench.measures.subject import Batch, Subject

TINY = np.finfo(np.float64).tiny


@torch.no_grad()
def probabilities(subject: Subject, batches: Iterable[Batch]) -> tuple[np.ndarray, np.ndarray]:
    """(n, classes) float64, whose rows sum to 1, and the labels (n,)."""
    logits, labels = [], []
    for x, y in batches:
        logits.append(subject.outputs(x).double().cpu())
        labels.append(y.cpu())
    found = torch.cat(logits).numpy()
    if not np.isfinite(found).all():
        raise UserError("the model's outputs are not finite")
    return softmax(found, axis=1), torch.cat(labels).numpy()


def log_loss(chances: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the labels (n,) under the probabilities (n, classes)."""
    own = chances[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, TINY)).mean())


@torch.no_grad()
def accuracy(subject: Subject, batches: Iterable[Batch]) -> float:
    right, seen = 0, 0
    for x, y in batches:
        right += int((subject.outputs(x).argmax(1) == y).sum())
        seen += len(y)
    return right / seen
