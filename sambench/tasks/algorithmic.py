"""The task `algorithmic`: arithmetic modulo a prime, where generalisation comes late (grokking)."""

from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field, ValidationError

from sambench.config import Broken, IfSet, Split, Table, Task, Text, kinds, one_line
from sambench.errors import UserError, echo, nearest
from sambench.scores import ACCURACY, CLASSIFICATION, Score

if TYPE_CHECKING:
    from torch import nn

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data

OPERATIONS: Mapping[str, Callable[[int, int, int], int]] = {
    "a + b": lambda a, b, p: a + b,
    "a - b": lambda a, b, p: a - b,
    "a * b": lambda a, b, p: a * b,
    "a / b": lambda a, b, p: a * pow(b, -1, p),
    "a^2 + b^2": lambda a, b, p: a**2 + b**2,
    "a^2 + ab + b^2": lambda a, b, p: a**2 + a * b + b**2,
}
SCHEDULE_LEFT = Score(name="schedule_left", unit="share", direction="maximize")


def _prime(given: int) -> int:
    if any(given % part == 0 for part in range(2, isqrt(given) + 1)):
        raise Broken(f"must be a prime, got {given}")
    return given


class _Sizes(Table):
    width: Annotated[int, Field(ge=1, le=4096)] = 128
    depth: Annotated[int, Field(ge=1, le=100)] = 1


class MLP(_Sizes):
    """The embeddings of both numbers, joined; hidden layers with ReLU, four times as wide."""

    def build(self, numbers: int, classes: int) -> "nn.Module":
        from torch import nn

        layers: list[nn.Module] = [nn.Embedding(classes, self.width), nn.Flatten()]
        size, hidden = numbers * self.width, 4 * self.width
        for _ in range(self.depth):
            layers += [nn.Linear(size, hidden), nn.ReLU()]
            size = hidden
        return nn.Sequential(*layers, nn.Linear(size, classes))


class Transformer(_Sizes):
    """Blocks over the tokens a, b and =, read at the last."""

    heads: Annotated[int, Field(ge=1, le=64)] = 4

    def build(self, numbers: int, classes: int) -> "nn.Module":
        from sambench.tasks.transformer import Transformer

        if self.width % self.heads:
            raise UserError(
                f"task.model_args.heads: {self.heads} heads do not share a width of {self.width}"
            )
        return Transformer(numbers, classes, self.width, self.depth, self.heads)


MODELS: Mapping[str, type[MLP | Transformer]] = {"mlp": MLP, "transformer": Transformer}


@kinds.register("algorithmic")
class Algorithmic(Task):
    """All pairs (a, b) of numbers below a prime p, each with the value of an operation modulo p.

    A part of them trains; what it takes to be right on the others, long after all of the training
    pairs are known, was called grokking by Power et al. 2022, arXiv:2201.02177.
    Nothing is downloaded.
    """

    item: ClassVar[str] = "pair"
    of_runs: ClassVar[tuple[str, ...]] = (SCHEDULE_LEFT.name,)

    dataset: Text
    """the operation: `"a + b"`, `"a - b"`, `"a * b"`, `"a / b"` (b is not 0), `"a^2 + b^2"` or
    `"a^2 + ab + b^2"`"""
    modulus: Annotated[int, Field(ge=3, le=997), AfterValidator(_prime)] = 97
    """the prime p"""
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """of all pairs, where `split.train` is not given; half of the others are for testing"""
    objective: IfSet[Text] = ACCURACY.name
    """the score that decides: `"accuracy"` after the last epoch, or another of classes, or
    `"schedule_left"`: how early accuracy first reaches `threshold`, as the share of `train.epochs`
    that is left then; 0 where it does not within them"""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.99
    """of `schedule_left`"""
    model: Text = "transformer"
    """`"transformer"`, pre-norm blocks without dropout (`model_args`: `width` 128, `depth` 1,
    `heads` 4), or `"mlp"` on the embeddings of a and b (`width` 128, `depth` 1)"""

    @property
    def known(self) -> tuple[Score, ...]:
        return (*CLASSIFICATION, SCHEDULE_LEFT)

    @property
    def detail(self) -> str:
        share = f", where {100 * self.train_share:.4g}% of all pairs train"
        return f" modulo {self.modulus}{'' if self.split.train else share}"

    def of_run(
        self, rows: Sequence[Mapping[str, float]], subset: str, epochs: int
    ) -> Mapping[str, float]:
        name = f"{subset}_{ACCURACY.name}"
        first = next((row["epoch"] for row in rows if row[name] >= self.threshold), epochs)
        return {SCHEDULE_LEFT.name: max(0.0, 1 - first / epochs)}

    def meaning(self, epochs: int) -> str:
        if not self.follows_runs:
            return ""
        return (
            f"how early a run generalises: the share of {epochs:,} epochs that is left when its "
            f"accuracy on these pairs first reaches {self.threshold:.4g}, looked at after every "
            f"epoch; a point is {epochs / 100:g} epochs. 0 is a run that did not get there within "
            "them: never, or only later on a longer schedule."
        )

    def check_data(self) -> None:
        self._pairs()

    def check_model(self) -> None:
        self._model()

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.contents import of_arrays

        x, y = self._pairs()
        return of_arrays(x=x, y=y)

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Data":
        import torch

        from sambench.tasks.contents import digest
        from sambench.tasks.noise import mislabel
        from sambench.tasks.split import draw, sizes
        from sambench.tasks.tensors import TensorData, Tensors

        if began_with not in (None, digest(self.contents())):
            raise UserError("task.dataset: the study began with other pairs; start a new one")
        x, y = self._pairs()
        pool = Tensors(torch.from_numpy(x), torch.from_numpy(y))
        parts = draw(
            pool, None, sizes(self._split(len(y)), len(y), None, "pairs"), streams["split"]
        )
        train, val, test = parts
        classes, rng = (
            tuple(map(str, range(self.modulus))),
            np.random.default_rng(streams["labels"]),
        )
        if self.label_noise:
            train, val = (mislabel(part, self.label_noise, classes, rng) for part in (train, val))
        sets = [(part.x, part.y) for part in (train, val, test)]
        return TensorData.from_tensors(*sets, classes=classes, item=self.item)

    def build(self, data: "Data") -> "nn.Module":
        return self._model().build(*data.sizes.values())

    def _split(self, pairs: int) -> Split:
        train = self.split.train or round(self.train_share * pairs)
        test = self.split.test or max(1, (pairs - train - (self.split.val or 0)) // 2)
        return Split(train=train, val=self.split.val or max(1, pairs - train - test), test=test)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """(n, 2) and (n,) int64."""
        if self.dataset not in OPERATIONS:
            hint = nearest(self.dataset, OPERATIONS)
            raise UserError(f"task.dataset: no operation {echo(self.dataset)}, {hint}")
        p, value = self.modulus, OPERATIONS[self.dataset]
        seconds = range(1, p) if self.dataset == "a / b" else range(p)
        x = [(a, b) for a in range(p) for b in seconds]
        return np.array(x), np.array([value(a, b, p) % p for a, b in x])

    def _model(self) -> MLP | Transformer:
        if self.model not in MODELS:
            hint = nearest(self.model, MODELS)
            raise UserError(f"task.model: no model {echo(self.model)} of pairs, {hint}")
        try:
            return MODELS[self.model].model_validate(self.model_args)
        except ValidationError as error:
            raise UserError(f"task.model_args.{one_line(error)}") from None
