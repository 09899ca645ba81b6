"""The published studies of a folder, and what is wrong with their records."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sambench import records
from sambench.errors import UserError, nearest
from sambench.records import Records
from sambench.report.analysis import Analysis, analyse

LISTED = 20  # damaged lines of a file that are told one by one


@dataclass(frozen=True)
class Board:
    """A published study: its records, and what they say."""

    path: Path
    records: Records
    analysis: Analysis

    @property
    def damages(self) -> list[str]:
        """Lines that do not count, with their file."""
        told = [f"{self.path}: {damage}" for damage in self.records.damages[:LISTED]]
        more = len(self.records.damages) - len(told)
        return [*told, f"{self.path}: and {more} more"] if more else told


@dataclass(frozen=True)
class Boards:
    """By file name without suffix: the studies that can be read, and why others cannot."""

    read: dict[str, Board]
    unreadable: dict[str, str]

    def problems(self, names: Collection[str]) -> tuple[list[str], list[str]]:
        """Of these studies: damaged lines, and files that cannot be read."""
        damages = [line for name in names if name in self.read for line in self.read[name].damages]
        return damages, [self.unreadable[name] for name in names if name in self.unreadable]


def check_names(folder: Path, names: Collection[str]) -> None:
    """UserError for the first name that the folder has no records of."""
    known = names_in(folder)
    for name in names:
        if name not in known:
            hint = nearest(name, known) if known else "publish one: sambench study NAME --publish"
            raise UserError(f"no records of a study {name!r} in {folder}; {hint}")


def names_in(folder: Path) -> list[str]:
    """The studies of a folder."""
    return sorted(path.stem for path in folder.glob("*.csv"))


def read(path: Path) -> Board:
    """One study; UserError if its records cannot be read."""
    found = records.read(path)
    return Board(path, found, analyse(found))


def load(folder: Path, names: Collection[str]) -> Boards:
    """These studies of a folder."""
    boards = Boards({}, {})
    for name in names:
        try:
            boards.read[name] = read(folder / f"{name}.csv")
        except UserError as error:
            boards.unreadable[name] = str(error)
    return boards
