"""Pictures to one uint8 array, and that array kept on disk so that it is decoded once."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from PIL import Image

from sambench.data import memory
from sambench.data.images import Images
from sambench.errors import UserError


def to_array(picture: Image.Image, size: int | None, mode: str) -> np.ndarray:
    """(h, w) for mode "L", (h, w, 3) for "RGB"; scaled (bilinear) to `size` squared if given."""
    picture = picture.convert(mode)
    if size is not None and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def decode(path: str, size: int | None) -> np.ndarray:
    """The picture in a file, (h, w, 3), as RGB; UserError if it cannot be read."""
    try:
        with Image.open(path) as picture:
            return to_array(picture, size, "RGB")
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on broken files
        raise UserError(f"task.dataset: cannot read the picture {path}") from error


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


def cached(key: str, cache: Path | None, build: Callable[[], Images]) -> Images:
    """`build()`, or what an earlier process built under the same key, memory-mapped.

    Workers that start together build once: the others wait for the first.
    """
    if cache is None:
        return build()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"decoded-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _save(build(), folder)
    return _open(folder)


def _save(images: Images, folder: Path) -> None:
    """Write all or nothing: a killed process leaves only a `.partial` folder behind."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    np.save(partial / "x.npy", images.x.numpy())
    np.save(partial / "y.npy", images.y.numpy())
    os.replace(partial, folder)


def _open(folder: Path) -> Images:
    # Copy-on-write rather than read-only: torch warns about arrays that it must not write to.
    x, y = (np.load(folder / name, mmap_mode="c") for name in ("x.npy", "y.npy"))
    return Images(torch.from_numpy(x), torch.from_numpy(y))
