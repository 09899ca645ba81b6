"""The task `images`: pictures of one class each, and a model of timm's."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sambench.config import Broken, IfSet, Plain, Task, Text, kinds
from sambench.errors import echo

if TYPE_CHECKING:
    from torch import nn

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data

Pixels = Annotated[int, Field(ge=1, le=10_000)]


def _stream(given: object) -> object:
    if given not in (True, False, "auto"):
        raise Broken(f'must be true, false or "auto", got {echo(given)}')
    return given


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
    measurable: ClassVar[bool] = True

    dataset: Text
    """`"digits"`, `"synthetic"`, `"folder:PATH"`, or a torchvision set by name"""
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
    stream: IfSet[Annotated[bool | Literal["auto"], BeforeValidator(_stream)]] = "auto"
    """whether pictures stay in their files; no result depends on it"""

    @property
    def detail(self) -> str:
        return f" at {self.image_size} pixels" if self.image_size else ""

    def check_data(self) -> None:
        from sambench.tasks.images import datasets

        datasets.check(self)

    def check_model(self) -> None:
        from sambench.tasks.images import models

        models.check(self)

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Data":
        from sambench.tasks.images import datasets

        return datasets.load(self, streams, cache, began_with)

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
