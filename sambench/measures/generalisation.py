"""How much better the model does on the items that it was trained on."""

from collections.abc import Sequence

import numpy as np

from sambench.measures.measure import Measure
from sambench.measures.predictions import log_loss, probabilities
from sambench.measures.registry import measures
from sambench.measures.subject import Batch, Subject, misfit
from sambench.measures.surface import Surface
from sambench.records import Quantity


@measures.register("generalisation")
class Generalisation(Measure):
    """Training and test items, both without augmentation, in the same mode of the same weights.

    `train_accuracy`: by the labels that it was trained on. `accuracy_gap`: that minus the accuracy
    on the test items. `loss_gap`: mean negative log-likelihood of the test minus of the training
    items. Items that are not of one class each have the last alone, by the loss of training.
    """

    title = "generalisation gap"
    source = "Keskar et al. 2017, arXiv:1609.04836; Jiang et al. 2020, arXiv:1912.02178"
    subset = "train"
    cannot_tell = (
        "A model that learns nothing has no gap; where training labels are wrong, whoever rejects "
        "them has a gap below 0."
    )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (
            Quantity(name="train_accuracy", unit="share", direction="maximize"),
            Quantity(name="accuracy_gap", unit="points", direction="minimize", role="gap"),
            Quantity(name="loss_gap", unit="nats", direction="minimize", role="gap"),
        )

    @property
    def evaluations(self) -> float:
        return 2 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        sets = [subject.batches(part) for part in ("train", "test")]
        if misfit("classes", subject.target, images=False):
            train, test = (Surface(subject, batches).loss() for batches in sets)
            return {"loss_gap": test - train}
        (right, loss), (tested, test_loss) = (_scores(subject, batches) for batches in sets)
        return {
            "train_accuracy": right,
            "accuracy_gap": 100 * (right - tested),
            "loss_gap": test_loss - loss,
        }


def _scores(subject: Subject, batches: Sequence[Batch]) -> tuple[float, float]:
    """Accuracy and mean negative log-likelihood."""
    chances, labels = probabilities(subject, batches)
    return float(np.mean(chances.argmax(1) == labels)), log_loss(chances, labels)
