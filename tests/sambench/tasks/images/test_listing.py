"""Folders as people keep them: used, or refused in a line that names the way out."""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from sambench.errors import UserError
from sambench.tasks import images
from sambench.tasks.images.listing import Folder, scan
from sambench.tasks.images.picture_files import PictureFiles

MakeTask = Callable[..., Any]
CLASSES = ("ape", "bee")


def paint(path: Path, level: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (level,) * 3).save(path)


def layout(root: Path, *parts: str) -> Path:
    """Two pictures of each class in each of the parts; "" is the root."""
    for part in parts:
        for name in CLASSES:
            for i in range(2):
                paint(root / part / name / f"{i}.png")
    return root


def names(root: Path) -> list[str]:
    return [picture.name for picture in scan(root).train]


FORMATS = ["jpg", "JPEG", "jpe", "jfif", "png", "bmp", "gif", "webp", "tif", "TIFF", "ppm", "pgm",
           "pnm", "tga", "jp2", "avif"]  # fmt: skip


def test_what_pillow_reads_is_read(tmp_path: Path):
    root = layout(tmp_path, "train", "test")
    for suffix in FORMATS:
        paint(root / "train" / "ape" / f"of.{suffix}")
    assert {f"train/ape/of.{suffix}" for suffix in FORMATS} < set(names(root))
    assert len(PictureFiles(Folder(root), None).read(None).train) == 4 + len(FORMATS)


def test_folders_within_a_class_belong_to_it(tmp_path: Path):
    root = layout(tmp_path, "train", "test")
    paint(root / "train" / "ape" / "x.jpg" / "deep" / "1.png")
    paint(root / "elsewhere" / "9.png")
    os.symlink(root / "elsewhere", root / "train" / "bee" / "linked")
    assert names(root) == [
        "train/ape/0.png", "train/ape/1.png", "train/ape/x.jpg/deep/1.png",
        "train/bee/0.png", "train/bee/1.png", "train/bee/linked/9.png",
    ]  # fmt: skip
    assert [picture.label for picture in scan(root).train] == [0, 0, 0, 1, 1, 1]


def test_what_is_left_out_is_said_once_and_hidden_files_are_not(tmp_path: Path):
    root = layout(tmp_path, "train", "test")
    for name in ("a.txt", "b.txt", "c.csv", "._0.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (root / "train" / "ape" / name).write_text("")
    (root / "train" / ".git").mkdir()
    (root / "__MACOSX").mkdir()
    assert scan(root).notes == ("left out: 3 files that Pillow does not read (.txt 2, .csv 1)",)
    paint(root / "train" / "loose.png")
    (root / "unlabelled").mkdir()
    assert scan(root).notes == (
        "left out: unlabelled/, beside train/",
        "left out: 3 files that Pillow does not read (.txt 2, .csv 1)",
        "left out: 1 picture in train/, outside class folders",
    )


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "DEV"])
def test_a_validation_folder_joins_the_pool_and_says_so(
    make_task: MakeTask, streams: dict[str, int], tmp_path: Path, name: str
):
    root = layout(tmp_path, "train", "test", name)
    task = make_task(f"folder:{root}", val=2)
    loaded = images.load(task, streams)
    assert [len(part) for part in (loaded.train, loaded.val, loaded.test)] == [6, 2, 4]
    assert images.notes(task) == (
        f"{name}/ (4 pictures) joins train/, from which every seed draws a validation set of its "
        "own",
    )


@pytest.mark.parametrize("name", ["val", "valid"])
def test_a_validation_folder_may_serve_as_the_test_set_and_says_so(tmp_path: Path, name: str):
    root = layout(tmp_path, "train", name)
    assert PictureFiles(Folder(root), None).counts() == (4, 4)
    assert scan(root).notes == (f"{name}/ serves as the test set, for there is no test/",)


@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "Testing")])
def test_parts_have_several_names(tmp_path: Path, train: str, test: str):
    found = scan(layout(tmp_path, train, test))
    assert (len(found.train), len(found.test or ()), found.notes) == (4, 4, ())


@pytest.mark.parametrize("stream", [False, True])
def test_without_parts_a_test_set_is_drawn(
    make_task: MakeTask, streams: dict[str, int], tmp_path: Path, stream: bool
):
    root = layout(tmp_path, "")
    for i in range(2, 10):
        for name in CLASSES:
            paint(root / name / f"{i}.png", i)
    task = make_task(f"folder:{root}", val=4, stream=stream)
    first, other = (images.load(task, streams | {"split": seed}) for seed in (1, 2))
    assert [len(part) for part in (first.train, first.val, first.test)] == [12, 4, 4]
    assert torch.equal(next(first.test.read([slice(0, 4)])), next(other.test.read([slice(0, 4)])))
    assert "a test set, the same for all seeds, is drawn" in images.notes(task)[0]


def test_classes_stand_in_the_order_of_their_names_as_text(tmp_path: Path):
    for part in ("train", "test"):
        for name in ("9", "10", "über", "with space", "Zoo"):
            paint(tmp_path / part / name / "0.png")
    assert scan(tmp_path).classes == ("10", "9", "Zoo", "with space", "über")


def rename(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: (root / old).rename(root / new) and None


def link(target: str, path: str) -> Callable[[Path], None]:
    return lambda root: os.symlink(target, root / path)


def bind(root: Path) -> None:
    here = os.getcwd()
    os.chdir(root / "train" / "ape")  # paths of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s.jpg")
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (rename("test/ape", "test/Ape"), "no class folder .*test/ape, .*train/Ape; there is Ape$"),
        (rename("test", "tset"), "no folder .*/test; expected train/CLASS.* or CLASS/"),
        (lambda root: layout(root, "Train"), "holds Train/ and train/, .* the train set; keep one"),
        (lambda root: paint(root / "val" / "wasp" / "0.png"), "no class folder .*/train/wasp$"),
        (rename("train/bee/0.png", "train/bee/0.heic"), None),
        (lambda root: os.mkfifo(root / "train/ape/f.jpg"), "/f.jpg is no regular file$"),
        (link("/dev/zero", "train/ape/z.png"), "/z.png is no regular file$"),
        (bind, "/s.jpg is no regular file$"),
        (link("nowhere", "train/ape/n.png"), "/n.png is a link to nothing$"),
        (link("self.png", "train/ape/self.png"), "/self.png: Too many levels of symbolic links$"),
        (link("..", "train/ape/up"), "/up/.* links to a folder that holds it$"),
        (link(".", "train/ape/same"), "/same links to a folder that holds it$"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, harm: Callable[[Path], Any], message: str | None
):
    root = layout(tmp_path, "train", "test")
    harm(root)
    if message is None:
        assert scan(root).notes == ("left out: 1 file that Pillow does not read (.heic 1)",)
        return
    with pytest.raises(UserError, match=f"^task.dataset: .*{message}"):
        scan(root)


def test_a_class_of_other_files_says_which(tmp_path: Path):
    root = layout(tmp_path, "train", "test")
    for i in range(2):
        (root / "train" / "ape" / f"{i}.png").rename(root / "train" / "ape" / f"{i}.heic")
    with pytest.raises(UserError, match=r"no picture in .*/ape, but 2 files that .* \(.heic 2\)$"):
        scan(root)


def test_the_folder_above_a_dataset_is_refused_with_the_right_one(tmp_path: Path):
    root = layout(tmp_path / "inner", "train", "test")
    layout(tmp_path / "other", "train", "test")
    with pytest.raises(UserError, match=f"did you mean folder:{root}\\?"):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("folder:", "folder: names no folder; write folder:PATH"),
        ("folder:~nouser/x", "folder:~nouser/x: no home folder of ~nouser"),
        ("folder:a\0b", "no folder a\0b;"),
        ("folder:/" + "x" * 5000, "no folder /xxx"),
        ("folder:/" + "y/" * 5000, "no folder /y/y"),
        ("folder:nowhere", "no folder nowhere; expected train/CLASS"),
        ("folder:data.zip", "data.zip is a file, not a folder"),
        ("pictures/mine", "a folder of pictures is folder:pictures/mine"),
    ],
)
def test_paths_that_are_none(
    make_task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, message: str
):
    monkeypatch.chdir(tmp_path)
    Path("data.zip").write_bytes(b"PK")
    with pytest.raises(UserError) as caught:
        images.check(make_task(dataset))
    assert message in str(caught.value) and len(str(caught.value)) < 400


def test_home_and_relative_paths_are_found(
    make_task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    layout(tmp_path / "mine", "train", "test")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for dataset in ("folder:~/mine", "folder:mine", "Folder:./mine/"):
        images.check(make_task(dataset))


def test_a_folder_that_must_not_be_read_is_named(
    make_task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As `scandir` says it; root may read everything."""

    def deny(folder: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(folder))

    root = layout(tmp_path, "train", "test")
    monkeypatch.setattr("sambench.tasks.images.listing.os.scandir", deny)
    with pytest.raises(UserError, match=f"task.dataset: {root}: Permission denied"):
        images.check(make_task(f"folder:{root}"))


def bomb() -> bytes:
    """A PNG that says it has 2.5 billion pixels."""
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", 50000, 50000, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(bytes(50)),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"not a picture", "no format that Pillow knows"),
        (bomb(), r"Image size \(2500000000 pixels\) exceeds limit"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no format that Pillow knows"),
    ],
)
def test_an_unreadable_picture_is_named(tmp_path: Path, content: bytes, reason: str):
    root = layout(tmp_path, "train", "test")
    path = root / "train" / "bee" / "1.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"^task.dataset: cannot read the picture {path}: {reason}"):
        PictureFiles(Folder(root), 4).read(None)


def test_a_wrong_suffix_is_no_harm(tmp_path: Path):
    root = layout(tmp_path, "train", "test")
    (root / "train" / "ape" / "0.png").rename(root / "train" / "ape" / "0.jpg")
    assert len(PictureFiles(Folder(root), None).read(None).train) == 4
