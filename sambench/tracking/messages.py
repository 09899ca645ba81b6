"""What a study and the process that talks to W&B tell each other, a line of JSON each."""

import json
from collections.abc import Mapping
from typing import NamedTuple, NotRequired, TypedDict

EpochRow = dict[str, float]
"""What an epoch came to, its number under "epoch"."""


class Described(TypedDict):
    """Keyword arguments of `wandb.init`."""

    id: str
    name: str
    group: str
    job_type: str
    tags: list[str]
    notes: NotRequired[str | None]
    config: dict[str, object]


class Table(TypedDict):
    """Row by row."""

    columns: list[str]
    data: list[list[object]]


class Measured(TypedDict):
    """What was measured of a run's weights, by the names of the records' columns."""

    summary: dict[str, float]
    tables: dict[str, Table]
    """what some values sum up, a row for each number"""


class Ending(TypedDict, total=False):
    """Keyword arguments of `TrackedRun.finish`."""

    rows: list[EpochRow]
    tag: str
    notes: str
    exit_code: int
    summary: dict[str, object]
    tables: dict[str, Table]


class Content(TypedDict):
    """Keyword arguments of `TrackedRun.fill`."""

    study: str
    table: Table
    summary: dict[str, str]
    files: list[str]


class Start(NamedTuple):
    """Open a run, or go on with it; answered by `Opened`."""

    id: str
    described: Described


class Log(NamedTuple):
    """Log an epoch."""

    id: str
    row: EpochRow


class Finish(NamedTuple):
    """End a run; answered by `Finished`."""

    id: str
    ending: Ending


class Summarize(NamedTuple):
    """Make the run of the whole study; answered by `Finished`."""

    id: str
    described: Described
    content: Content


class Checked(NamedTuple):
    """The server was asked whether the key is good."""

    good: bool


class Opened(NamedTuple):
    """W&B shows a run, which has not ended."""

    id: str
    path: str
    """as of `Finished`"""


class Finished(NamedTuple):
    """W&B has a run."""

    id: str
    path: str
    """its URL; offline, its id"""


class Failed(NamedTuple):
    """W&B does not work; the last answer."""

    reason: str


Order = Start | Log | Finish | Summarize
Answer = Checked | Opened | Finished | Failed

_ORDERS: Mapping[str, type[Order]] = {c.__name__: c for c in (Start, Log, Finish, Summarize)}
_ANSWERS: Mapping[str, type[Answer]] = {c.__name__: c for c in (Checked, Opened, Finished, Failed)}


def encoded(message: Order | Answer) -> str:
    """What is no JSON, such as a path, becomes its text."""
    return json.dumps([type(message).__name__, message._asdict()], default=str) + "\n"


def decoded_order(line: str) -> Order:
    name, fields = json.loads(line)
    return _ORDERS[name](**fields)


def decoded_answer(line: str) -> Answer:
    name, fields = json.loads(line)
    return _ANSWERS[name](**fields)
