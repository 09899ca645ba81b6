"""The header of a records file, as strictly checked as a study file: its words reach programs."""

from datetime import date as Date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from sambench.config import Arm, Broken, Name, Study, one_line
from sambench.errors import UserError
from sambench.records.record import FORMAT, Quantity
from sambench.scores import Score

LONGEST = 300  # characters of a message

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Count = Annotated[int, Field(ge=0)]
Commit = Annotated[str, Field(pattern=r"^(unknown|[0-9a-f]{4,64}(\+changes)?)$")]


def _iso(text: str) -> str:
    Date.fromisoformat(text)
    return text


class Fit(BaseModel):
    """A surface through an arm's validation scores, fitted once, in the study."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    setting: dict[Identifier, bool | int | float | str]
    """searched name -> value of the optimum, to two digits"""
    edges: list[Identifier]
    """continuous ones whose optimum lies at a bound of its range"""
    expected: float
    """the surface's score there"""
    noise: float
    """standard deviation of a score about the surface"""
    profile: list[Annotated[tuple[float, float, float], Field(strict=False)]]
    """along the radius: its value, the best over the other axes, its standard error"""


class Bands(BaseModel):
    """Widths of simultaneous 95% bands, in standard errors; drawn once, in the study."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    curves: float
    """of all tuning curves together"""
    differences: float
    """of all differences between two of them"""


class Code(BaseModel):
    """The file that registers a variant of a user's own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file: str
    """its name"""
    digest: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")]
    """of what an import of it executes; "" where there is no source"""


class Header(BaseModel):
    """Where records come from. Keys beside these are kept, and nobody prints them."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    format: Literal[FORMAT]  # pyright: ignore[reportInvalidTypeForm]
    """of this file"""
    num_records: Count
    study: Name
    spec: Study
    arms: dict[Name, Arm]
    """label -> competitor, as the study froze it"""
    own: dict[str, str] = {}
    """what a Python caller brought instead of the study's names: model, data, loss"""
    code: dict[Name, Code] = {}
    """variant -> file, of those that are a user's own"""
    objective: Identifier
    """the score that tuning goes by"""
    scores: list[Score]
    measures: list[Quantity] = []
    extension: Annotated[int, Field(ge=0, le=64)] = 0
    """how often the study was concluded before, at other sizes"""
    left: Count = 0
    """about how many runs a limit of time has left to do"""
    fits: dict[Name, Fit] = {}
    bands: Bands | None = None
    command: str
    commit: Commit
    date: Annotated[str, AfterValidator(_iso)]
    versions: dict[str, str]
    """package -> version"""
    hardware: dict[str, str | int | float | bool | None]
    """what the host is and how it was set: name -> value"""
    test_runs: Count
    """how often the study has touched its test set"""
    swept: dict[Name, Count] = {}
    """label -> trials of W&B sweeps, which are shown and never ranked"""
    chance: float | None = None
    """what a model scores on the test set that looks at no input"""
    notes: list[str] = []
    """for readers: what the study found before its first run, and arms whose steps did nothing"""
    data_digest: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """of all the data, where they are not a Python caller's own"""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for place in ("scores", "measures"):
            names = [score.name for score in getattr(self, place)]
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise Broken(f"must have different names, got {twice} twice", place)
        if self.objective not in {score.name for score in self.scores}:
            raise Broken(f"must be one of the scores, got {self.objective}", "objective")
        for label, arm in self.arms.items():
            if arm.label != label:
                raise Broken(f"must be the label of its key, got {arm.label}", "arms", label)
        return self


def checked(found: dict[str, Any], where: str) -> dict[str, Any]:
    """The header with the defaults of its study filled in; UserError for whatever is no header."""
    try:
        header = Header.model_validate(found)
    except ValidationError as error:
        raise UserError(f"{where}: {one_line(error)}"[:LONGEST]) from None
    kept = {
        "spec",
        "arms",
        "own",
        "code",
        "objective",
        "scores",
        "measures",
        "extension",
        "fits",
        "bands",
    }
    return found | header.model_dump(mode="json", include=kept)
