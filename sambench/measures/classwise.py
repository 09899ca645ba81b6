"""What the mean over all images hides of the classes."""

import numpy as np
from sklearn import metrics

from sambench.errors import UserError
from sambench.measures.measure import Measure
from sambench.measures.predictions import probabilities
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.records import Score


@measures.register("classwise")
class Classwise(Measure):
    """By scikit-learn, on the test set: each class counts the same.

    `balanced_accuracy`: the mean of the classes' recalls; `worst_class`: the lowest of them.
    `macro_f1`: the mean of their F1.
    `auroc`: the mean over classes of that class against all others.
    """

    title = "class by class"
    source = "scikit-learn's balanced_accuracy_score, f1_score (macro), roc_auc_score (one-vs-rest)"
    subset = "test"
    cannot_tell = "With few test images a class, the worst one is mostly the unluckiest one."

    @property
    def quantities(self) -> tuple[Score, ...]:
        names = ("balanced_accuracy", "macro_f1", "auroc", "worst_class")
        return tuple(Score(name=name, unit="share", direction="maximize") for name in names)

    @property
    def evaluations(self) -> float:
        return 1 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        chances, labels = probabilities(subject, subject.batches("test"))
        if missing := subject.classes - len(np.unique(labels)):
            raise UserError(f"{missing} of {subject.classes} classes have no test image")
        predicted = chances.argmax(1)
        table = metrics.confusion_matrix(labels, predicted, labels=np.arange(subject.classes))
        scores = chances[:, 1] if subject.classes == 2 else chances
        return {
            "balanced_accuracy": float(metrics.balanced_accuracy_score(labels, predicted)),
            "macro_f1": float(metrics.f1_score(labels, predicted, average="macro")),
            "auroc": float(metrics.roc_auc_score(labels, scores, multi_class="ovr")),
            "worst_class": float((table.diagonal() / table.sum(1)).min()),
        }
