"""How fast the pictures of a folder come: the evidence, as JSON."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from sambench.bench import stored
from sambench.errors import UserError
from sambench.files import write_atomically

MEMORY, STREAMED, LOADER = "in memory", "streamed", "torch's DataLoader"
SOURCES = (MEMORY, STREAMED, LOADER)


@dataclass(frozen=True)
class Fed:
    """Epochs from one source. Sources took turns, so rounds pair them."""

    name: str
    training_s: tuple[float, ...]
    """of an epoch of training, in each round"""
    reading_s: tuple[float, ...]
    """of as many batches that nothing trains on"""
    memory_bytes: int
    """at most, beyond what the process and its children held before the data were opened"""


@dataclass(frozen=True)
class Streaming:
    """One benchmark of a folder and a machine."""

    pictures: int
    """of the training set"""
    width: int
    """as stored, the median"""
    height: int
    """likewise"""
    file_bytes: int
    """likewise"""
    images: int
    """of an epoch, in full batches"""
    image_size: int
    model: str
    batch_size: int
    augment: str
    device: str
    threads: int
    workers: int
    """that read, beside the process that trains"""
    sources: tuple[Fed, ...]
    """in the order of `SOURCES`"""
    hardware: str
    command: str
    commit: str
    date: str
    versions: dict[str, str]
    host: dict[str, object]


def read(path: Path) -> Streaming:
    """The benchmark of a file, UserError if it holds anything else."""
    found = stored.read(path, Streaming)
    if tuple(own.name for own in found.sources) != SOURCES:
        raise UserError(f"{path}: sources must be {', '.join(SOURCES)}")
    told = [seconds for own in found.sources for seconds in (own.training_s, own.reading_s)]
    if len({*map(len, told)}) != 1 or not all(0 < s < math.inf for one in told for s in one):
        raise UserError(f"{path}: epochs must have taken more than 0 s, in as many rounds each")
    if not told[0] or found.images < 1 or any(own.memory_bytes < 0 for own in found.sources):
        raise UserError(f"{path}: there must be a round and an image, and no memory below 0")
    return found


def write(path: Path, streaming: Streaming) -> None:
    write_atomically(path, json.dumps(asdict(streaming), indent=1) + "\n")
