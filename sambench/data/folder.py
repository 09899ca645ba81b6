"""`folder:PATH`: pictures in train/CLASS/ and test/CLASS/, read as RGB."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sambench.data.decode import cached, stack, to_array
from sambench.data.images import Images, Pool
from sambench.errors import UserError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True)
class Folder:
    """The classes are the names of the folders, which must be the same in train/ and test/."""

    root: Path
    image_size: int | None

    def counts(self) -> tuple[int, int | None]:
        classes = self._classes()
        train, test = (len(self._files(part, classes)) for part in ("train", "test"))
        return train, test

    def read(self, cache: Path | None) -> Pool:
        classes = self._classes()
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
        stamps = ((e.path, e.stat().st_size, e.stat().st_mtime_ns) for e, _ in files)
        key = repr((self.image_size, *stamps))
        return cached(key, cache, lambda: self._decode(files))

    def _decode(self, files: Sequence[tuple[os.DirEntry[str], int]]) -> Images:
        with ThreadPoolExecutor() as threads:
            arrays = threads.map(self._picture, [entry.path for entry, _ in files])
            x = stack(arrays, len(files), f"folder:{self.root}")
        return Images(torch.from_numpy(x), torch.tensor([label for _, label in files]))

    def _picture(self, path: str) -> np.ndarray:
        try:
            with Image.open(path) as picture:
                return to_array(picture, self.image_size, "RGB")
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on broken files
            raise UserError(f"task.dataset: cannot read the picture {path}") from error
