"""Torchvision datasets, read from tiny files in each dataset's own format."""

import bz2
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from sambench import data
from sambench.data.torchvision_sets import SETS, Torchvision
from sambench.errors import UserError

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


@pytest.mark.parametrize("name", ["CIFAR10", "MNIST", "StanfordCars"])
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
