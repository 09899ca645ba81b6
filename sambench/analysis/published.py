"""The published studies of a folder, and what is wrong with their records."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from sambench import records
from sambench.analysis import tables
from sambench.analysis.csv_tables import rounded
from sambench.analysis.evidence import Evidence
from sambench.analysis.findings import Leaderboard
from sambench.analysis.leaderboard import conclude
from sambench.errors import UserError
from sambench.records import NAME, Records

LISTED = 20  # damaged lines of a file that are told one by one


UNFIT = (ArithmeticError, LookupError, TypeError, ValueError)
"""What comes of rows that are well formed and contradict each other: no reason to stop the rest."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class PublishedStudy:
    """The records of a study, and what they say."""

    path: Path
    records: Records
    evidence: Evidence
    leaderboard: Leaderboard

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tidy tables by name, with the numbers that are published."""
        made = tables.frames(self.evidence, self.leaderboard)
        return tables.Lazy({name: partial(_rounded, made, name) for name in made})

    @property
    def damages(self) -> list[str]:
        """Lines that do not count, with their file."""
        return damages(self.path, self.records)


def _rounded(made: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    return rounded(made[name])


def study(path: Path, found: Records) -> PublishedStudy:
    """What the records of this file say."""
    evidence = Evidence(found)
    return PublishedStudy(path, found, evidence, conclude(evidence))


def damages(path: Path, found: Records) -> list[str]:
    """Lines of a file that do not count, so many that a reader can take them in."""
    told = [f"{path}: {damage}" for damage in found.damages[:LISTED]]
    more = len(found.damages) - len(told)
    return [*told, f"{path}: and {more} more"] if more else told


@dataclass(frozen=True)
class PublishedStudies:
    """By file name without suffix: the studies that can be read, and why others cannot."""

    read: dict[str, PublishedStudy]
    unreadable: dict[str, str]

    def problems(self, names: Collection[str]) -> tuple[list[str], list[str]]:
        """Of these studies: damaged lines, and files that cannot be read."""
        damages = [line for name in names if name in self.read for line in self.read[name].damages]
        return damages, [self.unreadable[name] for name in names if name in self.unreadable]


def named(path: Path, name: str) -> Path:
    """The path, if links and pages can have this name; else UserError."""
    if not NAME.fullmatch(name):
        raise UserError(f"{str(path)!r}: its name must be letters, digits, . _ -")
    return path


def read(path: Path) -> PublishedStudy:
    """One study; UserError if its records cannot be read."""
    return study(path, records.read(path))


def load(files: Mapping[str, Path]) -> PublishedStudies:
    """The studies of these records, by name."""
    found = PublishedStudies({}, {})
    for name, path in files.items():
        try:
            found.read[name] = read(named(path, name))
        except UserError as error:
            found.unreadable[name] = str(error)
        except UNFIT as error:
            found.unreadable[name] = _unfit(path, error)
    return found


def each(
    found: PublishedStudies, make: Callable[[str, PublishedStudy], Made], names: Collection[str]
) -> dict[str, Made]:
    """What is made of these studies; one of which nothing can be made becomes unreadable."""
    made = {}
    for name in list(names):
        if name in found.read:
            try:
                made[name] = make(name, found.read[name])
            except UNFIT as error:
                found.unreadable[name] = _unfit(found.read.pop(name).path, error)
    return made


def _unfit(path: Path, error: Exception) -> str:
    what = " ".join(str(error).split())[:200]
    return f"{path}: its records do not fit together: {type(error).__name__}: {what}"
