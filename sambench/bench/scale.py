"""What a run costs beside its training, as studies grow: the evidence, as JSON."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from sambench.bench import stored
from sambench.errors import UserError
from sambench.files import write_atomically

EPOCHS = 10  # reported by each run


@dataclass(frozen=True)
class Storing:
    """Asking for runs, telling their epochs and their ends, in one storage."""

    storage: str
    stored: int
    """trials that were there before"""
    in_flight: int
    """runs at a time, whose epochs come in turns"""
    run_s: tuple[float, ...]
    """seconds a run, the mean of each round"""
    open_s: float
    """to open the storage and all arms of the study"""


@dataclass(frozen=True)
class Dispatching:
    """Runs that do nothing but report epochs, on an executor; nothing is stored."""

    executor: str
    workers: int
    run_s: tuple[float, ...]
    """seconds a run, the mean of each round"""


@dataclass(frozen=True)
class Starting:
    """`study` on a folder whose runs, all but one, are finished."""

    finished: int
    start_s: float
    """until that one is given to a worker, what Python imports left out"""
    processor_s: float
    """of it, on one core, whatever else the machine does"""
    memory_bytes: int
    """the most that the driver took"""


@dataclass(frozen=True)
class Reporting:
    """`leaderboard` of records of a made-up study, in a process of its own, imports and all."""

    rows: int
    page_s: float
    """processor seconds: the answer, printed"""
    html_s: float
    """with all tables, figures and both pages written"""
    memory_bytes: int
    """the most that the latter took"""


@dataclass(frozen=True)
class Scale:
    """One benchmark of a machine."""

    arms: int
    storing: tuple[Storing, ...]
    dispatching: tuple[Dispatching, ...]
    starting: tuple[Starting, ...]
    reporting: tuple[Reporting, ...]
    hardware: str
    command: str
    commit: str
    date: str
    versions: dict[str, str]
    host: dict[str, object]


def read(path: Path) -> Scale:
    """The benchmark of a file, UserError if it holds anything else."""
    found = stored.read(path, Scale)
    rounds = [each.run_s for each in (*found.storing, *found.dispatching)]
    numbers = [s for each in rounds for s in each] + [each.start_s for each in found.starting]
    numbers += [s for each in found.reporting for s in (each.page_s, each.html_s)]
    if not all(rounds) or not all(0 < number < math.inf for number in numbers):
        raise UserError(f"{path}: timings must be finite and > 0, and at least one of each")
    return found


def write(path: Path, scale: Scale) -> None:
    write_atomically(path, json.dumps(asdict(scale), indent=1) + "\n")
