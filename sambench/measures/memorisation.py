"""What became of the wrong labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from sambench.errors import UserError
from sambench.measures.flipped import Flipped
from sambench.measures.measure import Detailed, Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Epoch, Subject
from sambench.records import Axis, Quantity
from sambench.tasks import Data
from sambench.training import Course, Run


@measures.register("memorisation")
class Memorisation(Measure):
    """Of the training items whose label is wrong: how many are predicted as it says, and rightly.

    `memorised`: the share predicted as the wrong label; `corrected`: as the true one.
    `clean_train_accuracy`: the share of the items with right labels that is predicted so. Runs of
    studies that ask for this measure also tell the first two after each epoch, of 256 such items
    at most, in evaluation mode: their course is kept beside the values.
    """

    title = "memorisation"
    source = "Zhang et al. 2017, arXiv:1611.03530; Liu et al. 2020, arXiv:2007.00151, figure 1"
    subset = "train"
    needs = "classes"
    cannot_tell = (
        "Says nothing where labels are right; needs wrong labels that sambench drew itself."
    )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        axes = (Axis(name="epoch"),)
        return (
            Quantity(name="memorised", unit="share", direction="minimize", axes=axes),
            Quantity(name="corrected", unit="share", direction="maximize", axes=axes),
            Quantity(name="clean_train_accuracy", unit="share", direction="maximize"),
        )

    @property
    def evaluations(self) -> float:
        return 1 / 3

    def course(self, run: Run, data: Data, cache: Path | None) -> Course | None:
        flipped = Flipped.of(run, data, cache)
        return None if flipped is None else flipped.told

    @torch.no_grad()
    def of(self, subject: Subject) -> dict[str, float]:
        if subject.true is None:
            raise UserError("nobody knows the true labels: task.label_noise is 0, or not ours")
        predicted = torch.cat([subject.outputs(x).argmax(1) for x, _ in subject.batches("train")])
        given = torch.cat([y for _, y in subject.train])
        true = torch.cat(list(subject.true))
        wrong = given != true
        if not wrong.any() or wrong.all():
            raise UserError(f"{int(wrong.sum())} of {len(wrong)} labels are wrong")
        ends = {
            "memorised": float((predicted == given)[wrong].double().mean()),
            "corrected": float((predicted == true)[wrong].double().mean()),
        }
        return {
            **{name: _with_its_course(name, end, subject.history) for name, end in ends.items()},
            "clean_train_accuracy": float((predicted == given)[~wrong].double().mean()),
        }


def _with_its_course(name: str, end: float, epochs: Sequence[Epoch]) -> float:
    """After each epoch, where the run told so."""
    course = [epoch[name] for epoch in epochs if name in epoch]
    return Detailed(end, np.array(course)) if course and len(course) == len(epochs) else end
