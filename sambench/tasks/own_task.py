"""The task `own`: what a training function of a Python caller's own is scored by, see `compare`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import model_validator

from sambench.config import IfSet, Task, Text, kinds
from sambench.errors import UserError
from sambench.scores import Score

ELSEWHERE = "task.kind: own is a training function's, which only sambench.compare can call"


@kinds.register("own")
class OwnTask(Task):
    """Data, model and training are the function's; the study knows its score alone."""

    item: ClassVar[str] = "item"

    dataset: Text = "own"
    model: Text = "own"
    score: Score
    objective: IfSet[Text] = ""
    """the name of the score"""

    @model_validator(mode="before")
    @classmethod
    def _goes_by_its_score(cls, data: object) -> object:
        """An objective need not be said twice."""
        found = data.get("score") if isinstance(data, Mapping) else None
        name = found.get("name") if isinstance(found, Mapping) else getattr(found, "name", None)
        return {"objective": name, **data} if name and isinstance(data, Mapping) else data

    @property
    def measurable(self) -> bool:
        return False

    @property
    def known(self) -> tuple[Score, ...]:
        return (self.score,)

    @property
    def scores(self) -> tuple[Score, ...]:
        return (self.score,)

    def check_data(self) -> None:
        raise UserError(ELSEWHERE)

    def check_model(self) -> None:
        raise UserError(ELSEWHERE)

    def reads(self) -> bool:
        return False
