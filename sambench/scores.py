"""What a run can be scored by: names, units, and which direction is better."""

from math import inf
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Score(BaseModel):
    """What a run is scored by, or what is measured of its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9%/^ ._-]+$", max_length=20)]
    """a "share" lies between 0 and 1; "share of ..." may be negative; both are shown in percent"""
    direction: Literal["maximize", "minimize"]
    items: Literal["bits"] | None = None
    """how the values of single test items are kept, if they are; bits: right or wrong"""

    @property
    def words(self) -> str:
        """As a sentence says it."""
        return WORDS.get(self.name, self.name.replace("_", " "))

    @property
    def bounds(self) -> tuple[float, float]:
        """Where its values end."""
        return (0.0 if self.unit == "share" else -inf, 1.0 if self.in_percent else inf)

    @property
    def in_percent(self) -> bool:
        return self.unit.startswith("share")


WORDS = {
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "auroc": "AUROC",
    "map": "mean average precision",
    "r2": "R2",
    "rmse": "RMSE",
    "mae": "MAE",
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
