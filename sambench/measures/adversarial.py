"""Accuracy on images changed against the model."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Batch, Subject
from sambench.records import Score

Radius = Annotated[float, Field(gt=0, le=1e3)]
STEP = 2.5
"""PGD's step is so many radii over the number of steps: it may reach the border from anywhere."""


@measures.register("adversarial")
class Adversarial(Measure):
    """Accuracy on test images moved by at most a radius, pixels in [0, 1], to raise the loss.

    `fgsm`: one step to the border in the sign of the gradient, at radius `linf`. `pgd_linf` and
    `pgd_l2`: `steps` steps of 2.5 radii / steps in the sign, or along the normalised gradient,
    projected onto the ball and onto [0, 1], from a random start in the ball; an image counts as
    right only if it is so at every step. `masked`: how many points of accuracy the weaker attack
    takes more than a stronger one (FGSM than PGD, PGD than with twice its steps and than at twice
    its radius), at most; clearly above 0, gradients lie and the other numbers say little.
    """

    title = "adversarial images"
    source = (
        "Goodfellow et al. 2015, arXiv:1412.6572; Madry et al. 2018, arXiv:1706.06083; masking: "
        "Athalye et al. 2018, arXiv:1802.00420"
    )
    subset = "test"
    needs = "images"
    cannot_tell = (
        "An attack that fails proves nothing: stronger ones (AutoAttack) find lower accuracies."
    )

    linf: Radius = 2 / 255
    l2: Radius = 0.25
    steps: Annotated[int, Field(ge=1, le=1000)] = 10

    @property
    def quantities(self) -> tuple[Score, ...]:
        right = (
            Score(name=name, unit="share", direction="maximize")
            for name in ("fgsm", "pgd_linf", "pgd_l2")
        )
        return (*right, Score(name="masked", unit="share", direction="minimize"))

    @property
    def evaluations(self) -> float:
        return 1 + 5 * self.steps * 2 / 3

    def of(self, subject: Subject) -> dict[str, float]:
        batches = subject.batches("test")
        images = sum(len(y) for _, y in batches)

        def under(radius: float, kind: str, steps: int) -> float:
            return sum(_left(subject, each, radius, kind, steps) for each in batches) / images

        steps = self.steps
        fgsm = under(self.linf, "fgsm", 1)
        linf, l2 = under(self.linf, "linf", steps), under(self.l2, "l2", steps)
        weaker_and_stronger = [
            (fgsm, linf),
            (linf, under(self.linf, "linf", 2 * steps)),
            (linf, under(2 * self.linf, "linf", steps)),
        ]
        masked = max(0.0, *(strong - weak for weak, strong in weaker_and_stronger))
        return {"fgsm": fgsm, "pgd_linf": linf, "pgd_l2": l2, "masked": masked}


def _left(subject: Subject, batch: Batch, radius: float, kind: str, steps: int) -> int:
    """How many images are right at every step; those that are not are not attacked further."""
    x, y = batch
    x = x.to(subject.parameters[0])
    moved = (x if kind == "fgsm" else x + _start(subject, x, radius, kind)).clamp(0, 1)
    step = radius if kind == "fgsm" else STEP * radius / steps
    for i in range(steps):
        point = moved.requires_grad_()
        logits = subject.outputs(point)
        (g,) = torch.autograd.grad(subject.losses_of(logits, y).sum(), point)
        right = _right(logits, y) if i else torch.ones_like(y, dtype=torch.bool)
        x, y, moved, g = x[right], y[right], moved.detach()[right], g[right]
        if not len(y):
            return 0
        offset = moved + step * _direction(g, kind) - x
        moved = (x + _projected(offset, radius, kind)).clamp(0, 1)
    with torch.no_grad():
        return int(_right(subject.outputs(moved), y).sum())


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(1) == labels


def _start(subject: Subject, x: Tensor, radius: float, kind: str) -> Tensor:
    """Uniform in the l-inf ball; in the l2 ball uniform in direction, and in length."""
    generator = subject.generator(4)
    noise = torch.rand(x.shape, generator=generator, dtype=torch.float64).to(x) * 2 - 1
    if kind == "linf":
        return radius * noise
    length = torch.rand(len(x), generator=generator, dtype=torch.float64).to(x)
    return radius * length[:, None, None, None] * _direction(noise, kind)


def _direction(g: Tensor, kind: str) -> Tensor:
    if kind != "l2":
        return g.sign()
    return g / g.flatten(1).norm(dim=1).clamp(min=1e-30)[:, None, None, None]


def _projected(offset: Tensor, radius: float, kind: str) -> Tensor:
    if kind != "l2":
        return offset.clamp(-radius, radius)
    size = offset.flatten(1).norm(dim=1).clamp(min=1e-30)
    return offset * (radius / size).clamp(max=1)[:, None, None, None]
