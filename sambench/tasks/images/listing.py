"""Which pictures a folder holds, of which class, and what in it does not count."""

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from sambench.errors import UserError

PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""What the folders of a published split are called, in upper or lower case."""
NOT_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow names and does not decode by itself."""
HIDDEN = {"__macosx", "@eadir", "desktop.ini", "thumbs.db"}  # and all that begins with a dot
EXPECTED = "expected train/CLASS/*.jpg and test/CLASS/*.jpg, or CLASS/*.jpg"
SHOWN = 3  # names in a message


class Picture(NamedTuple):
    path: str
    label: int | tuple[int, ...]
    """the number of its class, or those of all its labels"""
    name: str
    """relative to the dataset's folder"""


@dataclass(frozen=True)
class Listing:
    """Pictures by class and path; `test` is None where a test set has yet to be drawn."""

    classes: tuple[str, ...]
    train: tuple[Picture, ...]
    test: tuple[Picture, ...] | None
    notes: tuple[str, ...]
    """what a user should know: which folder serves as what, and what is left out"""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return (*self.train, *(self.test or ()))


def labels_of(pictures: Sequence[Picture], num_classes: int) -> Tensor:
    """(n,) int64, or of several labels each (n, classes) float32, 0 or 1."""
    if not any(isinstance(picture.label, tuple) for picture in pictures):
        return torch.tensor([picture.label for picture in pictures])
    found = torch.zeros(len(pictures), num_classes)
    for row, (_, label, _) in zip(found, pictures, strict=True):
        row[[*label] if isinstance(label, tuple) else label] = 1.0
    return found


@dataclass(frozen=True)
class Folder:
    """The classes are the names of the folders, in the order of `sorted`, as torchvision has it."""

    root: Path

    @property
    def name(self) -> str:
        return f"folder:{short(self.root)}"

    def scan(self) -> Listing:
        return scan(self.root)


def scan(root: Path) -> Listing:
    """UserError for folders that hold no dataset, and for pictures that are no readable files."""
    try:
        return _scan(root)
    except OSError as error:
        raise UserError(
            f"task.dataset: {short(error.filename or root)}: {error.strerror}"
        ) from None


@cache
def formats() -> dict[str, str]:
    """Suffix -> Pillow's name of the format, for all that it decodes."""
    Image.init()
    known = Image.registered_extensions().items()
    return {s: name for s, name in known if name in Image.OPEN and name not in NOT_PICTURES}


def short(path: object) -> str:
    """A path for a message, its middle left out if it is long."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else repr(path)
    return text if len(text) <= 200 else f"{text[:80]}...{text[-80:]}"


def some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - SHOWN
    return ", ".join(map(short, listed[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def _scan(root: Path) -> Listing:
    if not os.path.lexists(root):
        raise UserError(f"task.dataset: no folder {short(root)}; {EXPECTED} in it")
    folders = _subfolders(root)
    parts = _parts(root, folders)
    if not parts:
        return _flat(root, folders)
    train = _required(root, parts, "train")
    test = parts.get("test") or parts.get("val") or _required(root, parts, "test")
    validation = [parts["val"]] if "val" in parts and test != parts["val"] else []
    classes = _classes(root, train, test, validation)
    found = _Found(root)
    pictures = {part: found.part(part, classes) for part in (train, *validation, test)}
    notes = []
    if validation:
        num = len(pictures[validation[0]])
        notes.append(
            f"{validation[0]}/ ({num} pictures) joins {train}/, from which every seed draws a "
            "validation set of its own"
        )
    elif "val" in parts:
        notes.append(f"{test}/ serves as the test set, for there is no test/")
    if others := sorted(folders - set(parts.values())):
        notes.append(f"left out: {some(f'{name}/' for name in others)}, beside {train}/")
    pool = [picture for part in (train, *validation) for picture in pictures[part]]
    return Listing(classes, tuple(pool), tuple(pictures[test]), (*notes, *found.notes()))


def _flat(root: Path, folders: set[str]) -> Listing:
    for name in sorted(folders):
        if "train" in _parts(root / name, _subfolders(root / name)):
            raise UserError(
                f"task.dataset: no folder {short(root / 'train')}; did you mean "
                f"folder:{short(root / name)}?"
            )
    if not folders:
        raise UserError(f"task.dataset: no folder {short(root / 'train')}; {EXPECTED} in {root}")
    classes = _enough(root, folders)
    found = _Found(root)
    pictures = found.part("", classes)
    note = "no train/ and test/: a test set, the same for all seeds, is drawn from all pictures"
    return Listing(classes, tuple(pictures), None, (note, *found.notes()))


def _subfolders(folder: Path) -> set[str]:
    if not folder.is_dir():
        raise UserError(f"task.dataset: {short(folder)} is a file, not a folder; {EXPECTED} in it")
    return {entry.name for entry in _entries(folder) if entry.is_dir()}


def _entries(folder: str | Path) -> "list[os.DirEntry[str]]":
    """All that is not hidden."""
    with os.scandir(folder) as found:
        return [e for e in found if e.name[0] != "." and e.name.lower() not in HIDDEN]


def _parts(root: Path, folders: Iterable[str]) -> dict[str, str]:
    """The folder of each part that is there."""
    found: dict[str, str] = {}
    for part, known in PARTS.items():
        names = sorted(name for name in folders if name.lower() in known)
        if len(names) > 1:
            raise UserError(
                f"task.dataset: {short(root)} holds {' and '.join(f'{n}/' for n in names)}, "
                f"which both name the {part} set; keep one"
            )
        if names:
            found[part] = names[0]
    return found


def _required(root: Path, parts: dict[str, str], part: str) -> str:
    if part not in parts:
        raise UserError(
            f"task.dataset: no folder {short(root / part)}; {EXPECTED} in {short(root)}"
        )
    return parts[part]


def _classes(root: Path, train: str, test: str, validation: Iterable[str]) -> tuple[str, ...]:
    """The same in training and test set; no others in a validation set."""
    wanted, tested = _subfolders(root / train), _subfolders(root / test)
    missing = {test: wanted - tested, train: tested - wanted}
    for part in validation:
        missing[train] |= _subfolders(root / part) - wanted
    paths = [root / part / name for part, names in missing.items() for name in sorted(names)]
    if paths:
        there = wanted if paths[0].parent.name == train else tested
        others = {name.lower(): name for name in there}
        close = difflib.get_close_matches(paths[0].name.lower(), others, n=1, cutoff=0.8)
        hint = f"; there is {short(others[close[0]])}" if close else ""
        raise UserError(f"task.dataset: no class folder {some(map(str, paths))}{hint}")
    return _enough(root / train, wanted)


def _enough(folder: Path, classes: set[str]) -> tuple[str, ...]:
    if len(classes) < 2:
        raise UserError(f"task.dataset: fewer than two class folders in {short(folder)}")
    return tuple(sorted(classes))


class _Found:
    """Finds pictures, and counts what it leaves out."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._other: Counter[str] = Counter()
        self._loose: Counter[str] = Counter()

    def part(self, name: str, classes: Iterable[str]) -> list[Picture]:
        """The pictures of a part by class and path; "" for the dataset's folder itself."""
        folder = self._root / name
        for entry in _entries(folder):
            if not _is_folder(entry):
                self._loose[name or "."] += self._is_picture(entry)
        start = len(os.path.join(self._root, ""))
        found: list[Picture] = []
        for label, of_class in enumerate(classes):
            above, before = folder / of_class, self._other.copy()
            if not above.is_dir():  # a validation set may lack a class
                continue
            paths = sorted(self._below(str(above)), key=lambda path: path.split(os.sep))
            if not paths:
                others = _counted(self._other - before)
                raise UserError(
                    f"task.dataset: no picture in {short(above)}{others and f', but {others}'}"
                )
            found += [Picture(path, label, path[start:]) for path in paths]
        return found

    def notes(self) -> list[str]:
        notes = []
        if others := _counted(self._other):
            notes.append(f"left out: {others}")
        if loose := self._loose.total():
            where = some(f"{name}/" for name, num in sorted(self._loose.items()) if num)
            notes.append(
                f"left out: {loose} picture{'s' * (loose != 1)} in {where}, outside class folders"
            )
        return notes

    def _below(self, top: str) -> Iterator[str]:
        """Paths of the pictures in a folder and in those within it."""
        waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(top, (_identity(top),))]
        while waiting:
            folder, above = waiting.pop()
            for entry in _entries(folder):
                if _is_folder(entry):
                    own = _identity(entry.path)
                    if own in above:
                        raise UserError(
                            f"task.dataset: {short(entry.path)} links to a folder that holds it"
                        )
                    waiting.append((entry.path, (*above, own)))
                elif self._is_picture(entry):
                    yield entry.path

    def _is_picture(self, entry: "os.DirEntry[str]") -> bool:
        suffix = os.path.splitext(entry.name)[1].lower()
        if suffix not in formats():
            self._other[suffix[:12] or "no suffix"] += 1
            return False
        if not entry.is_file():
            what = "no regular file" if os.path.exists(entry.path) else "a link to nothing"
            raise UserError(f"task.dataset: {short(entry.path)} is {what}")
        return True


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """UserError for a link in a circle."""
    try:
        return entry.is_dir()
    except OSError as error:
        raise UserError(f"task.dataset: {short(entry.path)}: {error.strerror}") from None


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _counted(others: Counter[str]) -> str:
    """Such as "3 files that Pillow does not read (.txt 2, .csv 1)"; "" for none."""
    kinds = some(f"{suffix} {num}" for suffix, num in others.most_common())
    num = others.total()
    return f"{num} file{'s' * (num != 1)} that Pillow does not read ({kinds})" if num else ""
