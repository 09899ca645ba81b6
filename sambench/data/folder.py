"""`folder:PATH`: pictures in train/CLASS/ and test/CLASS/, read as RGB."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from sambench.data.decode import cached, decode, stack
from sambench.data.images import Images, Pool
from sambench.data.streaming import Files, Pictures, Stream
from sambench.errors import UserError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True)
class Folder:
    """The classes are the names of the folders, which must be the same in train/ and test/."""

    root: Path
    image_size: int | None
    streams: bool = False
    """whether the pictures stay in their files"""

    def counts(self) -> tuple[int, int | None]:
        classes = self._classes()
        train, test = (len(self._files(part, classes)) for part in ("train", "test"))
        return train, test

    def num_bytes(self) -> int:
        """Of all pictures, decoded; opens the first one if no size is given."""
        classes = self._classes()
        listed = [e.path for part in ("train", "test") for e, _ in self._files(part, classes)]
        height, width = Files.listed(listed[:1], self.image_size, self._name).side
        return len(listed) * height * width * 3

    @property
    def _name(self) -> str:
        return f"folder:{self.root}"

    def read(self, cache: Path | None) -> Pool:
        classes = self._classes()
        if self.streams:
            return self._stream(classes, cache)
        train, test = (self._read(part, classes, cache) for part in ("train", "test"))
        return Pool(train, test, classes)

    def _classes(self) -> tuple[str, ...]:
        train, test = (self._subfolders(part) for part in ("train", "test"))
        if missing := sorted(train ^ test):
            part = "test" if missing[0] in train else "train"
            raise UserError(f"task.dataset: no class folder {self.root / part / missing[0]}")
        if len(train) < 2:
            raise UserError(f"task.dataset: fewer than two class folders in {self.root / 'train'}")
        return tuple(sorted(train))

    def _subfolders(self, part: str) -> set[str]:
        folder = self.root / part
        if not folder.is_dir():
            missing = folder if self.root.is_dir() else self.root
            raise UserError(
                f"task.dataset: no folder {missing}; expected train/CLASS/*.jpg and "
                f"test/CLASS/*.jpg in {self.root}"
            )
        return {e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith(".")}

    def _files(self, part: str, classes: Sequence[str]) -> list[tuple[os.DirEntry[str], int]]:
        """Every picture with its class number, sorted by class and name."""
        files = []
        for label, name in enumerate(classes):
            folder = self.root / part / name
            pictures = [e for e in os.scandir(folder) if e.name.lower().endswith(SUFFIXES)]
            if not pictures:
                raise UserError(f"task.dataset: no picture ({', '.join(SUFFIXES)}) in {folder}")
            files += [(entry, label) for entry in sorted(pictures, key=lambda e: e.name)]
        return files

    def _read(self, part: str, classes: Sequence[str], cache: Path | None) -> Images:
        files = self._files(part, classes)
        return cached(self._key(files), cache, lambda: self._decode(files))

    def _key(self, files: Sequence[tuple[os.DirEntry[str], int]]) -> str:
        """Changes when any of the files does."""
        stamps = ((e.path, e.stat().st_size, e.stat().st_mtime_ns) for e, _ in files)
        return repr((self.image_size, *stamps))

    def _stream(self, classes: Sequence[str], cache: Path | None) -> Pool:
        """Training and test set as views of one stream, so that they share its workers."""
        train, test = (self._files(part, classes) for part in ("train", "test"))
        both = [*train, *test]
        files = Files.listed([entry.path for entry, _ in both], self.image_size, self._name)
        key = hashlib.sha256(self._key(both).encode()).hexdigest()
        labels = torch.tensor([label for _, label in both])
        whole = Pictures(Stream(files), torch.arange(len(both)), labels, key, cache)
        rows = torch.arange(len(both))
        return Pool(whole.rows(rows[: len(train)]), whole.rows(rows[len(train) :]), tuple(classes))

    def _decode(self, files: Sequence[tuple[os.DirEntry[str], int]]) -> Images:
        with ThreadPoolExecutor() as threads:
            picture = partial(decode, size=self.image_size)
            arrays = threads.map(picture, [entry.path for entry, _ in files])
            x = stack(arrays, len(files), self._name)
        return Images(torch.from_numpy(x), torch.tensor([label for _, label in files]))
