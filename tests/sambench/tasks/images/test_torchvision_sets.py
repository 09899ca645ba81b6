"""Torchvision datasets, read from tiny files in each dataset's own format."""

import bz2
import hashlib
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from sambench.errors import UserError
from sambench.tasks import images as data
from sambench.tasks.images.torchvision_sets import SETS, Torchvision

MakeTask = Callable[..., Any]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise URLError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def write_idx(path: Path, array: np.ndarray) -> None:
    """The format of MNIST: type and rank, dimensions, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = np.array([0x0800 + array.ndim, *array.shape], ">i4")
    path.write_bytes(header.tobytes() + array.tobytes())


@pytest.fixture
def mnist(tmp_path: Path) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for prefix, num in (("train", 30), ("t10k", 12)):
        arrays[prefix] = rng.integers(0, 256, (num, 28, 28), np.uint8)
        raw = tmp_path / "MNIST" / "raw"
        write_idx(raw / f"{prefix}-images-idx3-ubyte", arrays[prefix])
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", (np.arange(num) % 10).astype(np.uint8))
    return arrays


@pytest.fixture
def cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Two pickles and the class names; torchvision's list of files and checksums is replaced."""
    base = tmp_path / "cifar-10-batches-py"
    base.mkdir()
    rng = np.random.default_rng(0)

    def write(name: str, content: dict[str, object]) -> list[str]:
        (base / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((base / name).read_bytes()).hexdigest()]

    arrays, files = {}, {}
    for name, num in (("data_batch_1", 20), ("test_batch", 10)):
        arrays[name] = rng.integers(0, 256, (num, 3072), np.uint8)
        files[name] = write(name, {"data": arrays[name], "labels": [i % 3 for i in range(num)]})
    meta = write("batches.meta", {"label_names": ["cat", "dog", "eel"]})
    cls = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cls, "train_list", [files["data_batch_1"]])
    monkeypatch.setattr(cls, "test_list", [files["test_batch"]])
    monkeypatch.setattr(
        cls, "meta", dict(zip(("filename", "md5"), meta, strict=True), key="label_names")
    )
    return arrays


def test_mnist_keeps_its_one_channel(mnist: dict[str, np.ndarray], tmp_path: Path) -> None:
    pool = Torchvision("MNIST", None).read(tmp_path)
    assert pool.test is not None
    assert np.array_equal(pool.train.x.numpy(), mnist["train"][:, None])
    assert np.array_equal(pool.test.x.numpy(), mnist["t10k"][:, None])
    assert pool.test.y.tolist() == [i % 10 for i in range(12)]
    assert pool.classes[3] == "3 - three"


def test_cifar10_is_read_in_colour(cifar10: dict[str, np.ndarray], tmp_path: Path) -> None:
    pool = Torchvision("CIFAR10", None).read(tmp_path)
    assert pool.test is not None
    assert np.array_equal(pool.train.x.flatten(1).numpy(), cifar10["data_batch_1"])
    assert np.array_equal(pool.test.x.flatten(1).numpy(), cifar10["test_batch"])
    assert pool.train.y.tolist() == [i % 3 for i in range(20)]
    assert pool.classes == ("cat", "dog", "eel")


def test_names_match_in_any_case_and_images_are_scaled(
    make_task: MakeTask, streams: dict[str, int], cifar10: dict[str, np.ndarray], tmp_path: Path
) -> None:
    loaded = data.load(make_task("cifar10", 16, val=5), streams, tmp_path)
    assert loaded.train.x.shape == (15, 3, 16, 16)
    assert len(cifar10["test_batch"]) == len(loaded.test)


def test_classes_without_names_are_numbered(tmp_path: Path) -> None:
    """USPS: libsvm text, labels from 1, pixels from -1 to 1."""
    for name in ("usps.bz2", "usps.t.bz2"):
        lines = (
            f"{label} " + " ".join(f"{i}:{label / 4 - 1}" for i in range(1, 257))
            for label in (1, 2, 3)
        )
        (tmp_path / name).write_bytes(bz2.compress("\n".join(lines).encode()))
    pool = Torchvision("USPS", None).read(tmp_path)
    assert pool.classes == ("0", "1", "2")
    assert pool.train.x.shape == (3, 1, 16, 16)
    assert pool.train.x[:, 0, 0, 0].tolist() == [int(k / 8 * 255) for k in (1, 2, 3)]


def test_picture_files_are_decoded_once_and_have_no_test_set(tmp_path: Path) -> None:
    """EuroSAT: one folder per class."""
    for k, name in enumerate(("crop", "forest")):
        folder = tmp_path / "eurosat" / "2750" / name
        folder.mkdir(parents=True)
        Image.new("L", (8, 8), 100 * k).save(folder / "1.png")
    first = Torchvision("EuroSAT", None).read(tmp_path)
    assert first.test is None
    assert first.classes == ("crop", "forest")
    assert first.train.x[:, :, 0, 0].tolist() == [[0] * 3, [100] * 3]
    for path in tmp_path.rglob("1.png"):
        path.write_bytes(b"")
    assert torch.equal(Torchvision("EuroSAT", None).read(tmp_path).train.x, first.train.x)


def paint(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 6), (level,) * 3).save(path)


def write_country211(root: Path) -> None:
    for i, part in enumerate(("train", "valid", "test")):
        for k, name in enumerate(("AD", "AE")):
            paint(root / "country211" / part / name / "1.png", 100 * k + i)


def write_rendered_sst2(root: Path) -> None:
    for i, part in enumerate(("train", "valid", "test")):
        for k, name in enumerate(("negative", "positive")):
            paint(root / "rendered-sst2" / part / name / "1.png", 100 * k + i)


def write_dtd(root: Path) -> None:
    base = root / "dtd" / "dtd"
    for i, part in enumerate(("train", "val", "test")):
        lines = []
        for k, name in enumerate(("banded", "dotted")):
            paint(base / "images" / name / f"{part}.png", 100 * k + i)
            lines.append(f"{name}/{part}.png")
        (base / "labels").mkdir(exist_ok=True)
        (base / "labels" / f"{part}1.txt").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("Country211", write_country211),
        ("RenderedSST2", write_rendered_sst2),
        ("DTD", write_dtd),
    ],
)
def test_a_published_validation_set_joins_the_pool(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    pool = Torchvision(name, None).read(tmp_path)
    assert pool.test is not None
    assert pool.train.x[:, 0, 0, 0].tolist() == [0, 100, 1, 101]
    assert pool.train.y.tolist() == [0, 1, 0, 1]
    assert pool.test.x[:, 0, 0, 0].tolist() == [2, 102]
    assert Torchvision(name, None).read(tmp_path).contents == pool.contents
    assert len(pool.contents) == 6


def test_every_published_split_is_used() -> None:
    """Of every set whose constructor takes a validation split."""
    for name, parts in SETS.items():
        cls = getattr(torchvision.datasets, name.partition(":")[0])
        named = set(re.findall(r"[`\"](val|valid|trainval)[`\"]", cls.__doc__ or ""))
        used = {part.get("split") for part in (*parts.pool, parts.test or {})}
        assert not named or used & named, name


def test_the_splits_of_emnist_are_named(tmp_path: Path) -> None:
    raw = tmp_path / "EMNIST" / "raw"
    for part, num in (("train", 6), ("test", 3)):
        images = np.zeros((num, 28, 28), np.uint8)
        write_idx(raw / f"emnist-letters-{part}-images-idx3-ubyte", images)
        write_idx(
            raw / f"emnist-letters-{part}-labels-idx1-ubyte", np.arange(1, num + 1, dtype="u1")
        )
    pool = Torchvision("EMNIST:letters", None).read(tmp_path)
    assert pool.train.y.tolist() == [1, 2, 3, 4, 5, 6]
    assert pool.classes[1:3] == ("a", "b")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ImageNet", "torchvision's ImageNet fits in no memory, .* unpack it to folder:PATH"),
        ("places365", "torchvision's Places365 fits in no memory"),
        ("INaturalist", "torchvision's INaturalist fits in no memory"),
        ("SUN397", "torchvision's SUN397 is listed .* in the order of the file system"),
        ("Omniglot", "torchvision's Omniglot has other classes"),
        ("CelebA", "torchvision's CelebA has 40 labels an image"),
        ("VOCDetection", "torchvision's VOCDetection is no set of classified images"),
        ("EMNIST:leters", "did you mean .*emnist:letters"),
    ],
)
def test_what_torchvision_has_and_sambench_has_not_says_why(
    make_task: MakeTask, name: str, message: str
) -> None:
    with pytest.raises(UserError, match=f"^task.dataset: .*{message}"):
        data.check(make_task(name))


def test_a_missing_package_is_named_first(
    make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="PCAM needs the package h5py: pip install h5py"):
        data.check(make_task("pcam"))


@pytest.mark.usefixtures("mnist")
def test_damaged_files_are_one_line(
    make_task: MakeTask, streams: dict[str, int], tmp_path: Path
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"MNIST is not in .*; its files may be put there by hand"):
        data.load(make_task("MNIST"), streams, tmp_path)


def test_a_broken_picture_is_one_line(
    make_task: MakeTask, streams: dict[str, int], tmp_path: Path
) -> None:
    write_country211(tmp_path)
    (tmp_path / "country211" / "train" / "AE" / "1.png").write_bytes(b"")
    with pytest.raises(UserError, match="Country211: cannot read image 1: "):
        data.load(make_task("Country211"), streams, tmp_path)


@pytest.mark.parametrize("name", ["CIFAR10", "MNIST", "StanfordCars", "FER2013", "EMNIST:letters"])
def test_without_a_network_one_line_says_what_to_do(
    make_task: MakeTask, streams: dict[str, int], tmp_path: Path, name: str
) -> None:
    with pytest.raises(UserError) as caught:
        data.load(make_task(name), streams, tmp_path)
    message = str(caught.value)
    assert f"{name} is not in {tmp_path}" in message
    assert "by hand" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", SETS)
def test_torchvision_takes_the_arguments_listed_for_it(name: str, tmp_path: Path) -> None:
    """A wrong argument would be a TypeError or ValueError, not "not downloaded"."""
    with pytest.raises(UserError, match=name):
        Torchvision(name, None).read(tmp_path)
