"""How a study stands, as data: what `live.json` in its folder holds, and `status --json` prints."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sambench.files import read_sealed, write_sealed
from sambench.scores import ACCURACY, Score

FILE = "live.json"

Time = Annotated[AwareDatetime, Field(strict=False)]
Count = Annotated[int, Field(ge=0)]
State = Literal["running", "complete", "stopped", "detached"]


class Part(BaseModel):
    """A table of the file; keys of a newer version are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="ignore")


class Drives(Part):
    """The process that drives the study, or that did so last."""

    pid: int | None = None
    host: str = ""
    since: Time | None = None


class Stage(Part):
    """Runs of an arm, or of all, in a stage."""

    done: Count = 0
    running: Count = 0
    left: Count | None = None
    """that nobody has begun, an estimate for stages to come; null where it is not known"""


class Best(Part):
    """The point of a pool with the best validation score."""

    validation: float
    lr: float
    rho: float | None = None
    point: int


class ArmState(Part):
    """What an arm has come to."""

    arm: str
    best: Best | None = None
    """of its pool"""
    mean: float | None = None
    """validation score of its complete runs"""
    complete: Count = 0
    diverged: Count = 0
    failed: Count = 0
    pruned: Count = 0
    run_s: float | None = None
    """seconds of a complete run, on the average"""
    stages: dict[str, Stage] = Field(default_factory=dict)
    """"pool", "confirm", "setting\""""


class Worker(Part):
    """A run that is being trained, or waits for its place."""

    worker: Count
    """its number, from 0"""
    where: str
    """host and device; empty while it waits for one"""
    run: str
    """the folder of the run below runs/"""
    arm: str
    stage: str
    point: int
    """-1 for a setting's runs"""
    rerun: Count
    lr: float | None = None
    """null where only its driver knows it"""
    rho: float | None = None
    epoch: Count
    epochs: Count
    since: Time | None = None
    heard: Time | None = None
    """when it last told of an epoch, or began"""
    validation: float | None = None
    """after that epoch"""


class Failure(Part):
    """A run that failed."""

    run: str
    arm: str
    stage: str
    reason: str
    at: Time | None = None
    traceback: str | None = None
    """the file with it"""


class Runs(Part):
    """Of all stages."""

    done: Count = 0
    all: Count | None = None
    """null where it is not known"""
    exact: bool = True
    """whether `all` is no estimate"""


class Live(Part):
    """A study. Scores are on the validation set: the test set's are the report's."""

    study: str
    state: State
    """running; complete: all is done and the report is written; detached: runs are in a cluster's
    queue, and the same command collects them; stopped: it goes on"""
    reason: str = ""
    """why it stopped"""
    updated: Time
    """when this was so"""
    driver: Drives = Drives()
    command: str = ""
    """that goes on with the study; empty where it is not known"""
    directory: str = ""
    """in which the command was given"""
    points: str | None = None
    """the part of the pools that this driver runs, as --points takes it"""
    score: Score = ACCURACY
    """what the study goes by"""
    searches: bool = True
    """whether an arm searches anything; else arms go by their mean"""
    stage: str = ""
    """the running one, or the last"""
    later: list[str] = Field(default_factory=list)
    """stages to come"""
    runs: Runs = Runs()
    share: float | None = None
    """of the work that is done"""
    elapsed_s: float | None = None
    """since the driver began"""
    left_s: float | None = None
    """to the end, from `updated` on, without a driver to that of the queue; null before anything is
    known"""
    places: Count = 0
    """workers that the study was given"""
    spent: dict[str, float] = Field(default_factory=dict)
    """seconds of all places together, since the driver's command, by what they went to; see
    executors/README.md"""
    arms: list[ArmState] = Field(default_factory=list)
    workers: list[Worker] = Field(default_factory=list)
    """those that have a run"""
    queued: Count = 0
    """runs that wait in a cluster's queue, without a driver"""
    failures: list[Failure] = Field(default_factory=list)
    """the last ones"""
    remarks: list[str] = Field(default_factory=list)
    """what a reader should know of all this"""


def write(folder: Path, live: Live) -> None:
    """OSError where that cannot be; makes no folder."""
    if folder.is_dir():
        write_sealed(folder / FILE, live.model_dump(mode="json"))


def read(folder: Path) -> Live | None:
    """What the driver wrote last; None if it wrote nothing, ValueError if the file is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    content = read_sealed(path)
    try:
        return Live.model_validate(content)
    except ValidationError:
        raise ValueError("not what a driver writes") from None
