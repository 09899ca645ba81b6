"""The task `images`: pictures of one class each, or of several labels, and a model of timm's."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sambench.config import Broken, IfSet, Listed, Plain, Task, Text, kinds
from sambench.errors import echo
from sambench.scores import ACCURACY, CLASSIFICATION, MAP, MULTI_LABEL, Score
from sambench.tasks.frames import FILES

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data

Pixels = Annotated[int, Field(ge=1, le=10_000)]


def _stream(given: object) -> object:
    if given not in (True, False, "auto"):
        raise Broken(f'must be true, false or "auto", got {echo(given)}')
    return given


def _pretrained(given: object) -> object:
    if not isinstance(given, bool) and not (isinstance(given, str) and given):
        raise Broken(f"must be true, false or the path of a file, got {echo(given)}")
    return given


def _weights(given: object) -> object:
    listed = isinstance(given, list | tuple) and all(
        isinstance(own, int | float) and not isinstance(own, bool) and 0 <= own < math.inf
        for own in given
    )
    if given != "balanced" and not listed:
        raise Broken(f'must be "balanced" or a list of numbers >= 0, got {echo(given)}')
    return tuple(given) if isinstance(given, list) else given


def _list(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _flips(given: object) -> object:
    words = given in ("symmetric", "asymmetric")
    pairs = given.items() if isinstance(given, Mapping) else [("", "")]
    if not words and not all(isinstance(v, str) and v and k and k != v for k, v in pairs):
        rule = 'must be "symmetric", "asymmetric" or a table of class = "another"'
        raise Broken(f"{rule}, got {echo(given)}")
    return given


@kinds.register("images")
class ImageClassification(Task):
    """The data and the model."""

    item: ClassVar[str] = "image"
    dataset: Text
    """`"digits"`, `"synthetic"`, `"folder:PATH"`, the path of a table, .csv, .tsv or .parquet, that
    names pictures and their labels, or a torchvision set by name"""
    path: IfSet[Text] = "path"
    """the column of a table with the picture's file, from the table's own folder"""
    label: IfSet[
        Annotated[tuple[Text, ...], Listed, BeforeValidator(_list), Field(min_length=1)]
    ] = ("label",)
    """the column of a table that is predicted; or several, of 0 and 1, of as many labels, any
    number of which a picture has"""
    separator: IfSet[Text | None] = None
    """between several labels of a picture in one column, such as `"|"`"""
    part: IfSet[Text | None] = None
    """the column of a table that says train, val or test; default: `split`, where there is one"""
    objective: IfSet[Text] = ACCURACY.name
    """the score that decides: `"accuracy"`, `"balanced_accuracy"`, `"f1_macro"`, `"auroc"` or
    `"loss"`; of several labels `"map"`, mean average precision, their default, `"f1_macro"`,
    `"f1_micro"` or `"loss"`"""
    image_size: Pixels | None = None
    """side in pixels; default: that of the images"""
    label_flips: IfSet[
        Annotated[Literal["symmetric", "asymmetric"] | dict[str, str], BeforeValidator(_flips)]
    ] = "symmetric"
    """by which class: `"symmetric"`, any other; `"asymmetric"`, the next one, or with CIFAR-10's
    classes the one that it is mistaken for (truck to automobile, bird to airplane, deer to horse,
    cat and dog); or as a table says, e.g. `{ cat = "dog" }`, other classes staying as they are"""
    model: Text
    """any of timm's"""
    model_args: dict[str, Plain] = Field(default_factory=dict)
    """arguments of timm's `create_model`"""
    class_weights: IfSet[
        Annotated[Literal["balanced"] | tuple[float, ...], BeforeValidator(_weights)] | None
    ] = None
    """by which a training image's loss is multiplied, for its label: `"balanced"`, so that all
    classes count the same, or a number for each class; scaled to a mean of 1 over the training
    labels, wrong ones included. Scores stay as they are"""
    pretrained: IfSet[Annotated[bool | str, BeforeValidator(_pretrained)]] = False
    """weights to begin with, under a new head if classes are not as many: `true` for timm's own,
    from its hub, or the path of a .safetensors or .pth file with timm's names; images are
    normalised as those of the weights"""
    freeze: IfSet[Annotated[tuple[Text, ...], Listed, BeforeValidator(_list)]] = ()
    """what does not train: `"backbone"`, all but the head, or names of timm's, such as
    `["conv_stem", "blocks.0"]`; BatchNorm in it keeps its statistics"""
    stream: IfSet[Annotated[bool | Literal["auto"], BeforeValidator(_stream)]] = "auto"
    """whether pictures stay in their files; no result depends on it"""

    @model_validator(mode="before")
    @classmethod
    def _several_go_by_map(cls, data: object) -> object:
        if not isinstance(data, Mapping) or "objective" in data:
            return data
        label = data.get("label")
        listed = isinstance(label, list | tuple) and len(label) > 1
        several = listed or data.get("separator") is not None
        return {**data, "objective": MAP.name} if several else data

    @model_validator(mode="after")
    def _several_go_together(self) -> Self:
        if not self.several:
            return self
        if not self.dataset.lower().endswith(FILES):
            raise Broken("several labels stand in a table, .csv, .tsv or .parquet", "dataset")
        if self.separator is not None and len(self.label) > 1:
            raise Broken("is for one column of labels; leave one of them out", "separator")
        for key in ("label_noise", "class_weights"):
            if getattr(self, key):
                raise Broken("is for pictures of one class each; leave it out", key)
        return self

    @property
    def several(self) -> bool:
        """Whether a picture has any number of labels."""
        return self.separator is not None or len(self.label) > 1

    @property
    def known(self) -> tuple[Score, ...]:
        return MULTI_LABEL if self.several else CLASSIFICATION

    @property
    def detail(self) -> str:
        size = f" at {self.image_size} pixels" if self.image_size else ""
        origin = "timm's hub" if self.pretrained is True else self.pretrained
        weights = f", from the pretrained weights of {origin}" if origin else ""
        frozen = f", frozen: {', '.join(self.freeze)}" if self.freeze else ""
        balance = f", class weights {self._told_weights}" if self.class_weights else ""
        labels = ", several labels each" if self.several else ""
        return labels + size + weights + frozen + balance

    @property
    def _told_weights(self) -> str:
        asked = self.class_weights
        return asked if isinstance(asked, str) else ", ".join(f"{own:g}" for own in asked or ())

    def check_data(self) -> None:
        from sambench.tasks.images import datasets

        datasets.check(self)

    def check_model(self) -> None:
        from sambench.tasks.images import models, pretrained

        models.check(self)
        pretrained.check(self)

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Data":
        from sambench.tasks.images import datasets

        return datasets.load(self, streams, cache, began_with)

    def true_labels(self, streams: Mapping[str, int], cache: Path | None = None) -> "Tensor":
        from sambench.tasks.images import datasets

        return datasets.true_labels(self, streams, cache)

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.images import datasets

        return datasets.contents(self, cache)

    def build(self, data: "Data") -> "nn.Module":
        from sambench.tasks.images import models

        return models.build(self, **data.sizes)

    def notes(self) -> tuple[str, ...]:
        from sambench.tasks.images import datasets

        return datasets.notes(self)

    def reads(self) -> bool:
        from sambench.tasks.images import datasets

        return datasets.is_ours(self.dataset)

    def is_there(self, cache: Path) -> bool:
        from sambench.tasks.images import datasets

        return datasets.is_there(self, cache)
