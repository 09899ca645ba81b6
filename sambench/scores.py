"""What a run can be scored by: names, units, and which direction is better."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Score(BaseModel):
    """What a run is scored by, or what is measured of its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9%/^ ._-]+$", max_length=20)]
    """"share" is shown in percent"""
    direction: Literal["maximize", "minimize"]
    items: Literal["bits"] | None = None
    """how the values of single test items are kept, if they are; bits: right or wrong"""


ACCURACY = Score(name="accuracy", unit="share", direction="maximize", items="bits")
LOSS = Score(name="loss", unit="nats", direction="minimize")
