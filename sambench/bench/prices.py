"""What measures cost beside the run whose weights they measure: the evidence, as JSON."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sambench.bench import stored
from sambench.errors import UserError
from sambench.files import write_atomically


@dataclass(frozen=True)
class ConfirmRun:
    """Trained and tested, as reruns of a study are."""

    variant: str
    seconds: float
    gradient_evaluations: float
    """of a batch of training"""


@dataclass(frozen=True)
class Price:
    """Of one measure."""

    measure: str
    seconds: tuple[float, ...]
    """of the weights of each of the runs"""
    gradient_evaluations: float
    """about, of as many items as a batch of training, as the measure declares"""
    failed: str = ""
    """why it has no value"""


@dataclass(frozen=True)
class Prices:
    """One benchmark of a machine."""

    study: str
    model: str
    item: str
    """one of those that are counted, in a word: "image" or "row", say"""
    train_items: int
    """that are measured, at most"""
    test_items: int
    batch_size: int
    """of training"""
    clock: Literal["of the processor", "by the clock"]
    """what seconds are; the former, all threads together, do not grow with other work"""
    runs: tuple[ConfirmRun, ...]
    """the baseline's first"""
    prices: tuple[Price, ...]
    hardware: str
    command: str
    commit: str
    date: str
    versions: dict[str, str]
    host: dict[str, object]


def read(path: Path) -> Prices:
    """The benchmark of a file, UserError if it holds anything else."""
    found = stored.read(path, Prices)
    told = [own.seconds for own in found.runs]
    spent = [s for own in found.prices for s in own.seconds]
    if not told or not all(0 < s < math.inf for s in told):
        raise UserError(f"{path}: runs must have taken more than 0 s, and there must be one")
    if not all(0 <= s < math.inf for s in spent) or any(
        len(own.seconds) != len(told) for own in found.prices
    ):
        raise UserError(f"{path}: each measure needs the seconds of each run, finite and >= 0")
    return found


def write(path: Path, prices: Prices) -> None:
    write_atomically(path, json.dumps(asdict(prices), indent=1) + "\n")
