"""Pictures in files, whose classes a folder or a table tells, read as RGB."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from sambench.tasks.images.decode import DECODER, Decoded, cached, decode, quietly, stack
from sambench.tasks.images.images import Images, Pool
from sambench.tasks.images.listing import Listing, Picture, labels_of
from sambench.tasks.images.streaming import Files, Pictures, Stream, digests, side_of


class Place(Protocol):
    """Which pictures there are, of which classes. Hashable."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def scan(self) -> Listing:
        """As it is now."""
        ...


@dataclass(frozen=True)
class PictureFiles:
    """All pictures of a place."""

    place: Place
    image_size: int | None
    streams: bool = False
    """whether the pictures stay in their files"""

    def counts(self) -> tuple[int, int | None]:
        found = self.place.scan()
        return len(found.train), None if found.test is None else len(found.test)

    def notes(self) -> tuple[str, ...]:
        """A line each: what serves as which part, and what is left out."""
        return self.place.scan().notes

    def num_bytes(self) -> int:
        """Of all pictures, decoded; opens the first one if no size is given."""
        pictures = self.place.scan().pictures
        height, width = (self.image_size,) * 2 if self.image_size else side_of(pictures[0].path)
        return len(pictures) * height * width * 3

    def stamp(self) -> str:
        """Changes when any of the files may have."""
        return self._key(self.place.scan().pictures)

    def read(self, cache: Path | None) -> Pool:
        found = self.place.scan()
        if self.streams:
            whole, contents = self._stream(found, cache)
            train, test = whole.split(len(found.train))
            return Pool(train, None if found.test is None else test, found.classes, contents)
        num = len(found.classes)
        train = self._read(found.train, num, cache)
        if found.test is None:
            return Pool(train.images, None, found.classes, train.contents)
        test = self._read(found.test, num, cache)
        contents = {**train.contents, **test.contents}
        return Pool(train.images, test.images, found.classes, contents)

    def _read(self, pictures: Sequence[Picture], num: int, cache: Path | None) -> Decoded:
        """num: of classes"""
        key = f"{self.image_size} {num} {self._key(pictures)}"
        return cached(key, cache, lambda: self._decode(pictures, num))

    def _key(self, pictures: Sequence[Picture]) -> str:
        """Also a change that keeps size and time of modification changes st_ctime."""
        sha = hashlib.sha256()
        for path, label, _ in pictures:
            found = os.stat(path)
            stamp = (path, label, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            sha.update(repr(stamp).encode())
        return sha.hexdigest()

    def _stream(self, found: Listing, cache: Path | None) -> tuple[Pictures, dict[str, str]]:
        """Training and test set as one stream, so that they share its workers."""
        pictures = found.pictures
        paths = [picture.path for picture in pictures]
        known = digests(paths, self._key(pictures), cache)
        files = Files.listed(paths, self.image_size, self.place.name, known)
        key = hashlib.sha256(f"{DECODER} {self.image_size} ".encode() + known.tobytes())
        labels = labels_of(pictures, len(found.classes))
        numbers = torch.arange(len(pictures))
        whole = Pictures(Stream(files), numbers, labels, key.hexdigest(), cache)
        return whole, _contents(pictures, known.astype(str).tolist())

    def _decode(self, pictures: Sequence[Picture], num: int) -> Decoded:
        known: list[str] = []

        def array(found: tuple[np.ndarray, str]) -> np.ndarray:
            known.append(found[1])
            return found[0]

        with quietly(), ThreadPoolExecutor() as threads:
            decoded = threads.map(
                partial(decode, size=self.image_size), [picture.path for picture in pictures]
            )
            x = stack(map(array, decoded), len(pictures), self.place.name)
        labels = labels_of(pictures, num)
        return Decoded(Images(torch.from_numpy(x), labels), _contents(pictures, known))


def _contents(pictures: Sequence[Picture], known: Sequence[str]) -> dict[str, str]:
    return {picture.name: found for picture, found in zip(pictures, known, strict=True)}
