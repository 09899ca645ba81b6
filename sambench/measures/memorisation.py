"""What became of the wrong labels."""

import torch

from sambench.errors import UserError
from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.records import Score


@measures.register("memorisation")
class Memorisation(Measure):
    """Of the training images whose label is wrong: how many are predicted as it says, and rightly.

    `memorised`: the share predicted as the wrong label; `corrected`: as the true one.
    `clean_train_accuracy`: the share of the images with right labels that is predicted so.
    """

    title = "memorisation"
    source = "Zhang et al. 2017, arXiv:1611.03530; Liu et al. 2020, arXiv:2007.00151, figure 1"
    subset = "train"
    cannot_tell = (
        "Says nothing where labels are right; needs wrong labels that sambench drew itself."
    )

    @property
    def quantities(self) -> tuple[Score, ...]:
        return (
            Score(name="memorised", unit="share", direction="minimize"),
            Score(name="corrected", unit="share", direction="maximize"),
            Score(name="clean_train_accuracy", unit="share", direction="maximize"),
        )

    @property
    def evaluations(self) -> float:
        return 1 / 3

    @torch.no_grad()
    def of(self, subject: Subject) -> dict[str, float]:
        if subject.true is None:
            raise UserError("nobody knows the true labels: task.label_noise is 0, or not ours")
        predicted = torch.cat([subject.logits(x).argmax(1) for x, _ in subject.batches("train")])
        given = torch.cat([y for _, y in subject.train])
        true = torch.cat(list(subject.true))
        wrong = given != true
        if not wrong.any() or wrong.all():
            raise UserError(f"{int(wrong.sum())} of {len(wrong)} labels are wrong")
        return {
            "memorised": float((predicted == given)[wrong].double().mean()),
            "corrected": float((predicted == true)[wrong].double().mean()),
            "clean_train_accuracy": float((predicted == given)[~wrong].double().mean()),
        }
