"""Whether a dataset is still the one that it was: by name, label and content."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sambench import tasks
from sambench.errors import UserError
from sambench.tasks import images
from sambench.tasks.contents import difference, of_arrays

MakeTask = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part in ("train", "test"):
        for name in ("ape", "bee"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(3):
                Image.new("RGB", (4, 4), (i, 0, 0)).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_contents_are_digests_of_files(make_task: MakeTask, root: Path):
    found = images.contents(make_task(f"folder:{root}"))
    path = "train/ape/1.png"
    expected = hashlib.blake2b((root / path).read_bytes(), digest_size=8).hexdigest()
    assert found[path] == expected and len(found) == 12


def change(root: Path) -> None:
    """Same size, same time of modification."""
    path = root / "train" / "ape" / "1.png"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # Pillow does not check the sum of the last chunk
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove(root: Path) -> None:
    (root / "train" / "ape" / "1.png").unlink()


def add(root: Path) -> None:
    shutil.copy(root / "train" / "ape" / "1.png", root / "train" / "ape" / "1-copy.png")


def relabel(root: Path) -> None:
    (root / "train" / "ape" / "1.png").rename(root / "train" / "bee" / "1.jpg")


def retest(root: Path) -> None:
    Image.new("RGB", (4, 4), (9, 9, 9)).save(root / "test" / "bee" / "0.png")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (change, "1 of 12 files differ, the first: train/ape/1.png is another"),
        (remove, "1 of 12 files differ, the first: train/ape/1.png is gone"),
        (add, "1 of 12 files differ, the first: train/ape/1-copy.png is new"),
        (relabel, "2 of 12 files differ, the first: train/ape/1.png is gone"),
        (retest, "1 of 12 files differ, the first: test/bee/0.png is another"),
    ],
)
def test_every_change_is_another_dataset(
    make_task: MakeTask,
    streams: dict[str, int],
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    edit: Callable[[Path], None],
    told: str,
    stream: bool,
):
    """Also for a process that has read it before, and with what was kept on disk."""
    cache = tmp_path_factory.mktemp("cache")
    task = make_task(f"folder:{root}", stream=stream)
    before = images.contents(task, cache)
    images.load(task, streams, cache, tasks.digest(before))
    edit(root)
    after = images.contents(task, cache)
    assert difference(before, after) == told
    with pytest.raises(UserError, match="has changed since the study began; undo that, or start"):
        images.load(task, streams, cache, tasks.digest(before))


def test_a_copy_is_the_same_dataset(make_task: MakeTask, root: Path, tmp_path: Path):
    copy = shutil.copytree(root, tmp_path / "elsewhere" / "copy")
    for path in root.glob("*/*/*.png"):
        os.utime(path)
    first, second = (images.contents(make_task(f"folder:{r}", 5)) for r in (root, copy))
    assert first == second


def test_arrays_differ_by_value_shape_and_type():
    x = np.arange(6, dtype=np.uint8)
    found = [of_arrays(x=a)["x"] for a in (x, x[::-1], x.reshape(2, 3), x.astype(np.int8))]
    assert len(set(found)) == 4
    assert of_arrays(x=x.reshape(2, 3).T.copy()) == of_arrays(x=x.reshape(2, 3).T)


def test_datasets_without_files_have_contents(make_task: MakeTask):
    """Those of digits whatever their size in the study."""
    digits = [images.contents(make_task("digits", size)) for size in (8, 16)]
    assert digits[0] == digits[1] and set(digits[0]) == {"pixels", "labels"}
    assert images.contents(make_task("synthetic", 8)) != images.contents(make_task("synthetic", 9))


def test_a_digest_knows_names_and_all_values():
    one = {"a": "1" * 16, "b": "2" * 16}
    assert tasks.digest(one) == tasks.digest(dict(reversed(one.items())))
    others = [{"a": "2" * 16, "b": "1" * 16}, {"a": "1" * 16, "c": "2" * 16}, {"a": "1" * 16}, {}]
    assert len({tasks.digest(found) for found in (one, *others)}) == 5
    assert len(tasks.digest(one)) == 32
