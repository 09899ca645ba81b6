"""What a run can be scored by: names, units, which direction is better, and how it is told."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import inf, isfinite
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

DIGITS = 4
"""That are shown of a score which is no share."""


Items = Literal["bits", "values", "squares", "pseudovalues"]
"""
bits            right or wrong, the score is their share
values          numbers, the score is their mean
squares         numbers, the score is the root of their mean
pseudovalues    numbers, the score is no mean, and their spread is the jackknife's of it
"""


class Score(BaseModel):
    """What a run is scored by, or what is measured of its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9%/^ ._-]+$", max_length=20)]
    """a "share" lies between 0 and 1; "share of ..." may be negative; both are shown in percent"""
    direction: Literal["maximize", "minimize"]
    items: Items | None = None
    """how single test items are kept, if they are"""
    decimals: Annotated[int, Field(ge=0, le=20)] | None = None
    """that are shown; default: two in percent, else so many that values have four digits"""

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Headers of older records have no decimals."""
        found = dump(self)
        return {k: v for k, v in found.items() if k != "decimals" or v is not None}

    @property
    def sign(self) -> int:
        """Times this, more is better."""
        return 1 if self.direction == "maximize" else -1

    def is_better(self, one: float, other: float) -> bool:
        return self.sign * one > self.sign * other

    @property
    def bounds(self) -> tuple[float, float]:
        """Where its values end."""
        return (0.0 if self.unit == "share" else -inf, 1.0 if self.in_percent else inf)

    @property
    def worst(self) -> float:
        """What no run scores less well than."""
        return self.bounds[0 if self.sign > 0 else 1]

    @property
    def in_percent(self) -> bool:
        return self.unit.startswith("share")

    @property
    def scale(self) -> float:
        """Times this, it is shown."""
        return 100 if self.in_percent else 1

    def fitted(self, values: Iterable[float]) -> Self:
        """Shown with as many decimals as these values need."""
        if self.in_percent or self.decimals is not None:
            return self
        sizes = sorted(abs(value) for value in values if value and isfinite(value))
        if not sizes:
            return self
        return self.model_copy(update={"decimals": decimals(sizes[len(sizes) // 2])})

    @property
    def words(self) -> str:
        """As a sentence says it."""
        return WORDS.get(self.name, self.name.replace("_", " "))

    def named(self, of: str) -> str:
        """As a column or an axis has it: "test accuracy, %", "test RMSE of the target"."""
        name = f"{of} {self.words}"
        if self.in_percent:
            return f"{name}, %"
        if self.unit in (self.name, self.words, *self.words.split()):
            return name
        return f"{name} {self.unit}" if self.unit.startswith("of ") else f"{name}, {self.unit}"

    @property
    def shown_in(self) -> str:
        """What short heads of columns say after a comma."""
        return "%" if self.in_percent else self.words

    @property
    def gaps(self) -> str:
        """What differences are in: "points", "RMSE"."""
        return "points" if self.in_percent else self.words

    def amount(self, written: str) -> str:
        """A size of a difference in a sentence: "1 point", "0.5 points", "2 in RMSE"."""
        if self.in_percent:
            return f"{written} point{'s' * (written != '1')}"
        return f"{written} in {self.words}"

    @property
    def better(self) -> str:
        """ "higher" or "lower"."""
        return "higher" if self.sign > 0 else "lower"

    @property
    def best(self) -> str:
        return "highest" if self.sign > 0 else "lowest"

    @property
    def ahead(self) -> str:
        """Where what is better lies."""
        return "above" if self.sign > 0 else "below"

    @property
    def exceed(self) -> str:
        """To be better by some amount."""
        return "exceed" if self.sign > 0 else "undercut"

    @property
    def exceeded(self) -> str:
        return "exceeded" if self.sign > 0 else "undercut"


def decimals(size: float) -> int:
    """With which a number of this size has DIGITS digits, or more; size > 0"""
    return max(0, DIGITS - 1 - Decimal(repr(float(size))).adjusted())


WORDS = {
    "auroc": "AUROC",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "mae": "MAE",
    "map": "mean average precision",
    "r2": "R2",
    "rmse": "RMSE",
}


ACCURACY = Score(name="accuracy", unit="share", direction="maximize", items="bits")
LOSS = Score(name="loss", unit="nats", direction="minimize")
BALANCED_ACCURACY = Score(name="balanced_accuracy", unit="share", direction="maximize")
"""mean over classes of the share that was found of each"""
F1_MACRO = Score(name="f1_macro", unit="share", direction="maximize")
"""mean over classes of the F1 score, those that were never found at 0"""
AUROC = Score(name="auroc", unit="share", direction="maximize")
"""of two classes; else the mean over classes, each against all others"""

MAP = Score(name="map", unit="share", direction="maximize")
"""mean over labels of the average precision by which their items come first"""
F1_MICRO = Score(name="f1_micro", unit="share", direction="maximize")
"""F1 of all answers, whether an item has a label, together"""

R2 = Score(name="r2", unit="share of variance", direction="maximize")
"""explained; below 0 where the mean of the targets would do better"""
SQUARES = Score(name="loss", unit="variances", direction="minimize")
"""mean squared error, over the variance of the training targets"""
RMSE = Score(name="rmse", unit="of the target", direction="minimize")
MAE = Score(name="mae", unit="of the target", direction="minimize")

CLASSIFICATION = (ACCURACY, LOSS, BALANCED_ACCURACY, F1_MACRO, AUROC)
MULTI_LABEL = (MAP, LOSS, F1_MACRO, F1_MICRO)
REGRESSION = (R2, SQUARES, RMSE, MAE)
"""The first two stand in every record; others where a study goes by one."""

KEPT: Mapping[str, Items] = MappingProxyType(
    {
        RMSE.name: "squares",
        **dict.fromkeys((LOSS.name, MAE.name, R2.name), "values"),
        **{
            score.name: "pseudovalues"
            for score in (BALANCED_ACCURACY, F1_MACRO, F1_MICRO, AUROC, MAP)
        },
    }
)
"""How single items are kept of a score that a study goes by."""
