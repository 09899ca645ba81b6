"""Folders of pictures: of every kind that Pillow writes, damaged, misplaced. Right or refused."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tests.fuzz.harness import SPECIAL, Case, Result
from tests.fuzz.mutations import damaged, toml
from tests.fuzz.world import STUDY, TINY, World

SIZE = 8
KINDS = [
    ("png", "RGB"), ("png", "L"), ("png", "P"), ("png", "1"), ("jpg", "RGB"), ("jpg", "L"),
    ("jpeg", "CMYK"), ("bmp", "RGB"), ("webp", "RGB"), ("gif", "P"), ("tif", "RGB"),
    ("tiff", "CMYK"), ("ppm", "RGB"), ("pgm", "L"), ("jfif", "RGB"), ("jpe", "RGB"),
    ("png", "RGBA"), ("png", "LA"), ("png", "I;16"), ("tif", "I;16"), ("tif", "F"), ("tif", "I"),
]  # fmt: skip
FORMATS = {"jpg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "tif": "TIFF", "pgm": "PPM"}
DOUBTFUL = ("RGBA", "LA", "F", "I")
"""Whose pixels in 8 bits are a matter of taste."""


def make(rng: Random, world: World) -> Case:
    """A folder of pictures with one thing wrong, or odd."""
    files = _folder(rng)
    return rng.choice([_damaged, _damaged, _unusual, _misplaced, _special, _huge])(rng, files)


def valid(world: World) -> Case:
    """PNG and JPEG, whole."""
    files = _folder(Random(0))
    name = min(files)
    return _planned("nothing wrong", files, right=_right(name, files[name]))


def _folder(rng: Random) -> dict[str, Any]:
    """Four small pictures of two classes, for training and for testing."""
    places = [f"{part}/{k}/{i}" for part in ("train", "test") for k in "ab" for i in range(4)]
    suffix = rng.choice(["png", "jpg"])
    return {f"pictures/{p}.{suffix}": encoded(rng, suffix, "RGB") for p in places}


def encoded(rng: Random, suffix: str, mode: str, rotated: bool = False) -> bytes:
    """A picture of noise in blocks of colour, by which pixels are told apart."""
    return _written(_picture(rng, mode), suffix, rotated)


def _picture(rng: Random, mode: str) -> Image.Image:
    if mode in ("I;16", "I", "F"):
        top = 65535 if mode != "F" else 1
        values = np.array([rng.random() * top for _ in range(SIZE * SIZE)]).reshape(SIZE, SIZE)
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray(values.astype(kind))
    colours = Image.frombytes("RGB", (4, 4), rng.randbytes(48))
    picture = colours.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.frombytes("L", (SIZE, SIZE), rng.randbytes(SIZE * SIZE)))
    return picture.convert(mode)


def _written(picture: Image.Image, suffix: str, rotated: bool) -> bytes:
    buffer = BytesIO()
    exif = Image.Exif()
    if rotated:
        exif[0x0112] = 6
    more = {"exif": exif} if rotated else {}
    picture.save(buffer, FORMATS.get(suffix, suffix.upper()), **more)
    return buffer.getvalue()


def _damaged(rng: Random, files: dict[str, Any]) -> Case:
    """Refused with its path, unless Pillow reads it all the same."""
    name = rng.choice(sorted(files))
    files[name], what = damaged(rng, files[name])
    return _planned(f"{name}: {what}", files, bad=name)


def _unusual(rng: Random, files: dict[str, Any]) -> Case:
    """A picture of another kind: its pixels are right, or it is refused with its path."""
    suffix, mode = rng.choice(KINDS)
    rotated = suffix in ("jpg", "png", "webp") and rng.random() < 0.3
    place = rng.choice(sorted(files))
    content = encoded(rng, suffix, mode, rotated)
    name = f"{place.rpartition('.')[0]}.{suffix}"
    del files[place]
    files[name] = content
    what = f"{name}: {mode}{', rotated' if rotated else ''}"
    return _planned(
        what, files, bad=name, right=None if mode in DOUBTFUL else _right(name, content)
    )


def _right(name: str, content: bytes) -> Callable[[Path], str]:
    """Whether the picture is among the decoded ones: upright, to a grey level."""
    with Image.open(BytesIO(content)) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode == "I;16":
            upright = Image.fromarray(np.rint(np.asarray(upright) / 257).astype(np.uint8))
        expected = np.asarray(upright.convert("RGB")).transpose(2, 0, 1).astype(int)

    def right(work: Path) -> str:
        arrays = [np.load(path) for path in work.glob("runs/data/*/x.npy")]
        far = [np.abs(x - expected).max(axis=(1, 2, 3)) for x in arrays if x.ndim == 4]
        seen = any((each <= 1).any() for each in far)
        return "" if seen else f"{name} was decoded to other pixels, or left out"

    return right


def _misplaced(rng: Random, files: dict[str, Any]) -> Case:
    """Files where none is expected, classes that differ, other names of the parts."""
    name = rng.choice(sorted(files))
    folder, _, last = name.rpartition("/")
    content = files[name]
    match rng.randrange(9):
        case 0:
            files[f"{folder}/._{last}"] = b"Mac OS X"
            return _planned("a hidden file", files, must=True)
        case 1:
            files[f"{folder}/deeper/{last}"] = files.pop(name)
            return _planned(f"{name} one folder deeper", files)
        case 2:
            files[f"pictures/{rng.choice(['val', 'valid', 'Train', 'dev'])}/a/{last}"] = content
            return _planned("a third part", files)
        case 3:
            other = rng.choice(["val", "valid", "Test", "validation"])
            files = {k.replace("/test/", f"/{other}/"): v for k, v in files.items()}
            return _planned(f"test is called {other}", files)
        case 4:
            files = {k.replace("/train/", "/").replace("/test/", "/t"): v for k, v in files.items()}
            return _planned("class folders only", files)
        case 5:
            files = {k: v for k, v in files.items() if "/test/b/" not in k}
            return _planned("a class without test pictures", files)
        case 6:
            files[f"{folder}/{rng.choice(['notes.txt', 'Thumbs.db', 'x.svg', 'x'])}"] = b"x"
            return _planned("a file that is no picture", files)
        case 7:
            files[f"{folder}/{'é' * 100}.png"] = files.pop(name)
            return _planned("a long name", files)
    keep = rng.randrange(1, 5)
    files = {k: v for i, (k, v) in enumerate(sorted(files.items())) if i % 4 < keep}
    return _planned(f"{keep} pictures a class", files)


def _special(rng: Random, files: dict[str, Any]) -> Case:
    name = rng.choice(sorted(files))
    place = rng.choice([name, name.rpartition("/")[0], "pictures/train", "pictures"])
    files = {k: v for k, v in files.items() if k == place or not k.startswith(f"{place}/")}
    maker = files[place] = rng.choice(SPECIAL)
    return _planned(f"{place} is a {maker.__name__}", files)


def _huge(rng: Random, files: dict[str, Any]) -> Case:
    """A PNG that says that it is larger than it is."""
    name = rng.choice(sorted(files))
    size = rng.choice([(0, 8), (9, 9), (20_000, 20_000), (2**31 - 1, 1), (2**16, 2**16)])
    content = _claims(encoded(rng, "png", "RGB"), *size)
    files = {k: v for k, v in files.items() if k != name}
    files[f"{name.rpartition('.')[0]}.png"] = content
    return _planned(f"{name} claims {size[0]} x {size[1]}", files)


def _claims(png: bytes, width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]


def _planned(
    what: str,
    files: dict[str, Any],
    *,
    bad: str = "",
    right: Callable[[Path], str] | None = None,
    must: bool = False,
) -> Case:
    """bad: the file that a refusal names; right: what is wrong with the pixels; must: be read"""
    task = {
        "dataset": "folder:pictures",
        "image_size": SIZE,
        "split": {"val": 2},
        "model": "test_resnet",
        "stream": False,
    }
    study = toml({**TINY, "task": task, "train": {**TINY["train"], "batch_size": 4}})

    def check(result: Result) -> str:
        if result.code and must:
            return f"refused: {result.err[:200]}"
        if result.code == 2 and bad and Path(bad).name not in result.err:
            return f"refused without naming {bad}: {result.err[:200]}"
        return right(result.work) if right and result.code == 0 else ""

    return Case(
        what,
        (*STUDY, "--dry-run"),
        {"tiny.toml": study.encode(), **files},
        writes=("runs/data*",),
        check=check,
    )
