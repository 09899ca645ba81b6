"""What the mean over all items hides of the classes."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field
from sklearn import metrics

from sambench.errors import UserError
from sambench.measures.measure import Detailed, Measure
from sambench.measures.predictions import probabilities
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.records import Axis, Quantity


@measures.register("classwise")
class Classwise(Measure):
    """By scikit-learn, on the test set: each class counts the same.

    `balanced_accuracy`: the mean of the classes' recalls; `worst_class`: the lowest of them.
    `macro_f1`: the mean of their F1. Of at most `most_classes` classes, which item of each was
    taken for which other is kept, too.
    `auroc`: the mean over classes of that class against all others.
    """

    title = "class by class"
    source = "scikit-learn's balanced_accuracy_score, f1_score (macro), roc_auc_score (one-vs-rest)"
    subset = "test"
    needs = "classes"
    cannot_tell = "With few test items a class, the worst one is mostly the unluckiest one."

    most_classes: Annotated[int, Field(ge=0, le=1000)] = 20

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        names = ("macro_f1", "auroc", "worst_class")
        up: Any = {"unit": "share", "direction": "maximize"}
        axes = (Axis(name="true class"), Axis(name="predicted class"))
        balanced = Quantity(name="balanced_accuracy", axes=axes, **up)
        return (balanced, *(Quantity(name=name, **up) for name in names))

    @property
    def evaluations(self) -> float:
        return 1 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        chances, labels = probabilities(subject, subject.batches("test"))
        if missing := subject.classes - len(np.unique(labels)):
            raise UserError(f"{missing} of {subject.classes} classes have no test item")
        predicted = chances.argmax(1)
        table = metrics.confusion_matrix(labels, predicted, labels=np.arange(subject.classes))
        scores = chances[:, 1] if subject.classes == 2 else chances
        balanced = float(metrics.balanced_accuracy_score(labels, predicted))
        few = subject.classes <= self.most_classes
        return {
            "balanced_accuracy": Detailed(balanced, table) if few else balanced,
            "macro_f1": float(metrics.f1_score(labels, predicted, average="macro")),
            "auroc": float(metrics.roc_auc_score(labels, scores, multi_class="ovr")),
            "worst_class": float((table.diagonal() / table.sum(1)).min()),
        }
