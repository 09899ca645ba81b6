"""The areas of the fuzzer, and a case of one by seed and number."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fuzz import (
    checkpoints,
    command_line,
    harness,
    pictures,
    records,
    study_files,
    sweep_files,
)
from tests.fuzz.harness import Case, Result
from tests.fuzz.world import World

Maker = Callable[[Random, World], Case]
AREAS: dict[str, Maker] = {
    "study_files": study_files.make,
    "command_line": command_line.make,
    "sweep_files": sweep_files.make,
    "records": records.make,
    "checkpoints": checkpoints.make,
    "pictures": pictures.make,
}
VALID: dict[str, Callable[[World], Case]] = {
    "study_files": study_files.valid,
    "command_line": command_line.valid,
    "sweep_files": sweep_files.valid,
    "records": records.valid,
    "checkpoints": checkpoints.valid,
    "pictures": pictures.valid,
}


@dataclass(frozen=True)
class Tried:
    """A case that was run."""

    area: str
    seed: int
    number: int
    case: Case
    result: Result
    broken: list[str]
    folder: Path
    """where its input still is, if it broke something"""

    def __str__(self) -> str:
        words = " ".join(word[:60] for word in self.case.words)
        told = [
            f"{self.area} {self.seed}:{self.number}: {self.case.what}",
            f"  sambench {words}",
            *(f"  broke: {line}" for line in self.broken),
            f"  input: {self.folder}",
            f"  again: python -m tests.fuzz {self.area} --seed {self.seed} --only {self.number}",
        ]
        return "\n".join(told)


def case(area: str, seed: int, number: int, world: World) -> Case:
    """The same one for the same seed and number, whatever was made before."""
    return AREAS[area](Random(f"{area} {seed} {number}"), world)


def tried(
    area: str, seed: int, number: int, world: World, folder: Path, *, forked: bool = True
) -> Tried:
    """Makes and runs a case; if it breaks nothing, its folder is removed."""
    made = case(area, seed, number, world)
    place = folder / f"{area}-{seed}-{number}"
    result, broken = harness.run(made, place, forked=forked)
    if broken:
        inputs = place / "input"
        harness.lay(made, inputs)
    else:
        shutil.rmtree(place)
    return Tried(area, seed, number, made, result, broken, place)
