"""Pictures to one uint8 array, and that array kept on disk so that it is decoded once."""

import hashlib
import io
import json
import os
import shutil
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock
from PIL import Image, UnidentifiedImageError

from sambench.errors import UserError
from sambench.tasks.contents import Contents, fingerprint
from sambench.tasks.images import memory
from sambench.tasks.images.images import Images
from sambench.tasks.images.listing import formats, short
from sambench.tasks.images.pixels import plain

DECODER = "2"
"""Changes with the pixels that a file decodes to: what was kept before does not count."""


class Decoded(NamedTuple):
    """Pictures with the digests of what they were decoded from."""

    images: Images
    contents: Contents


def to_array(picture: Image.Image, size: int | None, mode: str) -> np.ndarray:
    """(h, w) for mode "L", (h, w, 3) for "RGB"; scaled (bilinear) to `size` squared if given."""
    picture = plain(picture, mode)
    if size is not None and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def decode(path: str, size: int | None) -> tuple[np.ndarray, str]:
    """The picture in a file, (h, w, 3), as RGB, and the file's digest.

    Of several pictures in a file it is the first. UserError if it cannot be read.
    """
    content = _content(path)
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as picture:
            return to_array(picture, size, "RGB"), fingerprint(content)
    except Exception as error:  # on broken files Pillow raises whatever happens to it
        known = not isinstance(error, UnidentifiedImageError)
        reason = str(error) if known else "no format that Pillow knows" * bool(content)
        raise _unreadable(path, reason or "it is empty") from error


@contextmanager
def quietly() -> Iterator[None]:
    """Without Pillow's warnings of what it can live with. For a whole batch: not for a thread."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def digest_of(path: str) -> str:
    """The digest of a picture's file."""
    return fingerprint(_content(path))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _unreadable(path: str, reason: str) -> UserError:
    why = textwrap.shorten(reason, 120, placeholder="...")
    return UserError(f"task.dataset: cannot read the picture {short(path)}: {why}")


@cache
def _formats() -> tuple[str, ...]:
    return ("JPEG", "PNG", *sorted({*formats().values()} - {"JPEG", "PNG"}))


def mixed_sizes(first: tuple[int, ...], other: tuple[int, ...], source: str) -> UserError:
    """For arrays of (h, w) or (h, w, 3) that should be equal in shape."""
    sizes = " and ".join(f"{shape[1]}x{shape[0]}" for shape in (first, other))
    return UserError(f"task.image_size: needed, {source} holds images of {sizes}")


def stack(arrays: Iterable[np.ndarray], num: int, source: str) -> np.ndarray:
    """`num` arrays of one size as (n, c, h, w); an error about their sizes names `source`."""
    arrays = iter(arrays)
    first = next(arrays)
    memory.check(num * first.size, source)
    stacked = np.empty((num, *first.shape), np.uint8)
    for i, array in enumerate(chain([first], arrays)):
        if array.shape != first.shape:
            raise mixed_sizes(first.shape, array.shape, source)
        stacked[i] = array
    channels_last = stacked.reshape(*stacked.shape[:3], -1)
    return np.ascontiguousarray(channels_last.transpose(0, 3, 1, 2))


def cached(key: str, cache: Path | None, build: Callable[[], Decoded]) -> Decoded:
    """`build()`, or what an earlier process built under the same key, memory-mapped.

    Workers that start together build once: the others wait for the first.
    """
    if cache is None:
        return build()
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(f"{DECODER} {key}".encode(errors="surrogateescape")).hexdigest()[:16]
    folder = cache / f"decoded-{name}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _save(build(), folder)
    return _open(folder)


def _save(decoded: Decoded, folder: Path) -> None:
    """Write all or nothing: a killed process leaves only a `.partial` folder behind."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    np.save(partial / "x.npy", decoded.images.x.numpy())
    np.save(partial / "y.npy", decoded.images.y.numpy())
    (partial / "contents.json").write_text(json.dumps(dict(decoded.contents)))
    os.replace(partial, folder)


def _open(folder: Path) -> Decoded:
    # Copy-on-write rather than read-only: torch warns about arrays that it must not write to.
    x, y = (np.load(folder / name, mmap_mode="c") for name in ("x.npy", "y.npy"))
    contents = json.loads((folder / "contents.json").read_text())
    return Decoded(Images(torch.from_numpy(x), torch.from_numpy(y)), contents)
