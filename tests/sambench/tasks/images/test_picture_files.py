"""`folder:PATH` on a handful of pictures."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sambench.errors import UserError
from sambench.tasks import images as data
from sambench.tasks.images.listing import Folder
from sambench.tasks.images.picture_files import PictureFiles

MakeTask = Callable[..., Any]
COLOURS = {"ape": (200, 10, 20), "bee": (0, 100, 255)}


def paint(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (6, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four training pictures and one test picture of each of two classes."""
    root = tmp_path / "pictures"
    for name, colour in COLOURS.items():
        for i, suffix in enumerate(("png", "PNG", "bmp", "png")):
            paint(root / "train" / name / f"{i}.{suffix}", colour)
        paint(root / "test" / name / "0.png", colour)
    (root / "train" / "ape" / "notes.txt").write_text("not a picture")
    (root / "train" / ".hidden").mkdir()
    return root


def test_pictures_and_classes_are_those_of_the_folders(root: Path) -> None:
    pool = PictureFiles(Folder(root), None).read(None)
    assert pool.test is not None
    assert pool.classes == ("ape", "bee")
    assert pool.train.y.tolist() == [0] * 4 + [1] * 4
    for images in (pool.train, pool.test):
        for x, y in zip(images.x, images.y, strict=True):
            colour = torch.tensor(COLOURS[pool.classes[y]], dtype=torch.uint8)
            assert torch.equal(x, colour[:, None, None].expand(3, 6, 6))
    assert PictureFiles(Folder(root), None).counts() == (8, 2)


def test_channels_rows_and_columns_are_where_they_belong(root: Path) -> None:
    pixels = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    for name in COLOURS:
        shutil.rmtree(root / "test" / name)
        (root / "test" / name).mkdir()
        Image.fromarray(pixels).save(root / "test" / name / "0.png")
    test = PictureFiles(Folder(root), None).read(None).test
    assert test is not None
    assert np.array_equal(test.x[0].numpy(), pixels.transpose(2, 0, 1))


def test_grey_pictures_become_rgb_and_all_are_scaled(root: Path) -> None:
    Image.new("L", (9, 5), 50).save(root / "train" / "ape" / "grey.jpeg")
    train = PictureFiles(Folder(root), 4).read(None).train
    assert train.x.shape == (9, 3, 4, 4)
    assert (train.x[4].int() - 50).abs().max() <= 1  # "grey.jpeg" is the fifth of its class


def test_sizes_that_differ_need_an_image_size(root: Path) -> None:
    paint(root / "train" / "bee" / "large.png", (0, 0, 0), (10, 7))
    with pytest.raises(UserError, match=r"task.image_size: needed, .* images of 6x6 and 10x7"):
        PictureFiles(Folder(root), None).read(None)


def test_pictures_are_decoded_once(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = PictureFiles(Folder(root), 5).read(cache)
    monkeypatch.setattr(
        "sambench.tasks.images.picture_files.decode", lambda *_, **__: pytest.fail("again")
    )
    again = PictureFiles(Folder(root), 5).read(cache)
    assert torch.equal(first.train.x, again.train.x)
    assert torch.equal(first.train.y, again.train.y)
    assert first.contents == again.contents
    with pytest.raises(pytest.fail.Exception):
        PictureFiles(Folder(root), 6).read(cache)  # another size is another entry


def test_a_changed_picture_is_decoded_again(root: Path, tmp_path: Path) -> None:
    """Also where size and time of modification are what they were."""
    path = root / "train" / "ape" / "2.bmp"
    PictureFiles(Folder(root), None).read(tmp_path)
    before = path.stat()
    paint(path, (1, 2, 3))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert PictureFiles(Folder(root), None).read(tmp_path).train.x[2, :, 0, 0].tolist() == [1, 2, 3]


def test_a_killed_decoder_leaves_nothing_that_counts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("sambench.tasks.images.decode.os.replace", die)
        PictureFiles(Folder(root), None).read(tmp_path / "cache")
    assert len(PictureFiles(Folder(root), None).read(tmp_path / "cache").train) == 8


def test_the_cache_is_never_written_through(root: Path, tmp_path: Path) -> None:
    train = PictureFiles(Folder(root), None).read(tmp_path).train
    train.x.zero_()
    assert PictureFiles(Folder(root), None).read(tmp_path).train.x.any()


def test_load_from_a_folder(make_task: MakeTask, root: Path, streams: dict[str, int]) -> None:
    loaded = data.load(make_task(f"folder:{root}", val=2), streams)
    assert [len(p) for p in (loaded.train, loaded.val, loaded.test)] == [6, 2, 2]
    assert sorted(loaded.val.y.tolist()) == [0, 1]


def test_sizes_are_checked_without_opening_a_picture(make_task: MakeTask, root: Path) -> None:
    (root / "train" / "ape" / "0.png").write_bytes(b"")
    data.check(make_task(f"folder:{root}"))
    with pytest.raises(UserError, match=r"train 7 \+ val 2 is more than the 8 of folder:"):
        data.check(make_task(f"folder:{root}", train=7, val=2))


def rename(root: Path) -> None:
    (root / "test" / "bee").rename(root / "test" / "wasp")


def empty(root: Path) -> None:
    for path in (root / "train" / "ape").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "task.dataset: no folder .*pictures; expected train/CLASS"),
        (lambda root: shutil.rmtree(root / "test"), "task.dataset: no folder .*pictures/test;"),
        (lambda root: shutil.rmtree(root / "test" / "bee"), "no class folder .*/test/bee$"),
        (lambda root: shutil.rmtree(root / "train" / "bee"), "no class folder .*/train/bee$"),
        (rename, "no class folder .*/test/bee, .*/train/wasp$"),
        (empty, r"task.dataset: no picture in .*/train/ape$"),
    ],
)
def test_damaged_folders_are_named(
    make_task: MakeTask, root: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(root)
    with pytest.raises(UserError, match=message):
        data.check(make_task(f"folder:{root}"))


def test_a_single_class_is_refused(make_task: MakeTask, root: Path) -> None:
    for part in ("train", "test"):
        shutil.rmtree(root / part / "bee")
    with pytest.raises(UserError, match="fewer than two class folders"):
        data.check(make_task(f"folder:{root}"))


def test_a_broken_picture_is_named(root: Path) -> None:
    path = root / "test" / "bee" / "0.png"
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=f"cannot read the picture {path}"):
        PictureFiles(Folder(root), None).read(None)
