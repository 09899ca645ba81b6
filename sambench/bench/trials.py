"""What a trial of a study takes beside one that is written by hand: the evidence, as JSON."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sambench.bench import stored
from sambench.errors import UserError
from sambench.files import write_atomically

OURS = "sambench"


@dataclass(frozen=True)
class Timed:
    """Trials of one program."""

    name: str
    seconds: tuple[float, ...]
    """of one trial, in each round"""
    gradient_evaluations: float
    """of a trial, counted"""
    accuracy: float
    """on the validation set, the median of the trials"""


@dataclass(frozen=True)
class Race:
    """Programs that train with one variant, in turns: each round has a trial of each."""

    variant: str
    timed: tuple[Timed, ...]
    """sambench's first"""


@dataclass(frozen=True)
class Trials:
    """One benchmark of a machine."""

    study: str
    model: str
    train_images: int
    val_images: int
    epochs: int
    batch_size: int
    clock: Literal["of the processor", "by the clock"]
    """what seconds are; the former, all threads together, do not grow with other work"""
    races: tuple[Race, ...]
    notes: tuple[str, ...]
    hardware: str
    command: str
    commit: str
    date: str
    versions: dict[str, str]
    host: dict[str, object]


def read(path: Path) -> Trials:
    """The benchmark of a file, UserError if it holds anything else."""
    found = stored.read(path, Trials)
    told = [[own.seconds for own in race.timed] for race in found.races]
    if not told or not all(all(0 < s < math.inf for s in own) for race in told for own in race):
        raise UserError(f"{path}: trials must have taken more than 0 s, and there must be one")
    if any(len(race) < 2 or len({*map(len, race)}) != 1 or not race[0] for race in told):
        raise UserError(f"{path}: each race needs two programs, with as many rounds each")
    return found


def write(path: Path, trials: Trials) -> None:
    write_atomically(path, json.dumps(asdict(trials), indent=1) + "\n")
