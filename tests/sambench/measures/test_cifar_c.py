"""The published files of CIFAR-10-C, on made ones of their layout."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sambench import config
from sambench.errors import UserError
from sambench.measures import Detailed, Pixels, Subject, chosen, measured, measures
from sambench.measures.testing import MeasureConformance
from sambench.records import Quantity
from sambench.tasks import Classification

NAMES = ("fog", "snow")
EACH = 24


def made(folder: Path, size: int, channels: int = 3) -> Path:
    """Two corruptions of 24 images at 5 severities, in the layout of the published files."""
    folder.mkdir()
    labels = np.tile(np.arange(EACH) % 3, 5)
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    for i, name in enumerate(NAMES):
        random = np.random.default_rng(i)
        shape = (5 * EACH, size, size, channels)
        np.save(folder / f"{name}.npy", random.integers(0, 256, shape, dtype=np.uint8))
    return folder


class TestConformance(MeasureConformance):
    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        of_timm = "timm" in request.node.name
        channels = 1 if "[1]" in request.node.name else 3
        folder = made(tmp_path / "CIFAR-10-C", 16 if of_timm else 8, channels)
        self.measure = measures.get("cifar_c")(path=str(folder), names=NAMES)


class Bright(nn.Module):
    """Says class 1 of a bright image, class 0 of a dark one."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        return self.one * torch.stack([1 - mean, mean], 1)


def bright(rows: int, size: int = 4) -> Subject:
    x = torch.full((rows, 3, size, size), 0.9)
    batches = [(x, torch.ones(rows, dtype=torch.int64))]
    as_they_are = Pixels(torch.zeros(3), torch.ones(3))
    return Subject(Bright(), batches, batches, Classification(("dark", "bright")), as_they_are)


def test_accuracy_by_corruption_and_severity(tmp_path: Path):
    """Of four images a severity, as many are dark as it says; the last is not measured."""
    pixels = np.full((20, 4, 4, 3), 255, np.uint8)
    for level in range(5):
        pixels[4 * level : 4 * level + min(level, 3)] = 0
    np.save(tmp_path / "labels.npy", np.ones(20, np.int64))
    np.save(tmp_path / "fog.npy", pixels)
    subject = bright(3)
    with measured(subject.model):
        found = measures.get("cifar_c")(path=str(tmp_path), names=("fog",)).of(subject)["cifar_c"]
    assert isinstance(found, Detailed)
    assert found.details.tolist() == [[1, 1, 2 / 3, 1 / 3, 0, 0]]
    assert found == pytest.approx((1 + 2 / 3 + 1 / 3) / 5)


def asked(path: Path, *names: str) -> config.Measured:
    settings = {"path": str(path), "names": names or NAMES}
    return config.Measured.model_validate({"names": ("cifar_c",), "set": {"cifar_c": settings}})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: None, ""),
        (lambda folder: (folder / "fog.npy").unlink(), "fog.npy: no such file, did you mean"),
        (lambda folder: (folder / "labels.npy").unlink(), "labels.npy: no such file"),
        (lambda folder: (folder / "fog.npy").write_bytes(b"text"), "fog.npy: no array of numbers"),
        (lambda folder: np.save(folder / "fog.npy", np.zeros(3)), r"got float64 \(3,\)"),
        (lambda folder: np.save(folder / "labels.npy", np.zeros(7, int)), r"got int64 \(7,\)"),
        (
            lambda folder: np.save(folder / "labels.npy", np.arange(5 * EACH) % 7),
            "must repeat the labels .* those of severity 2 differ at image 0",
        ),
        (
            lambda folder: np.save(folder / "labels.npy", np.zeros(EACH + 1, np.uint8)),
            r"fog.npy: must be uint8 \(25, height, width, channels\), as labels.npy has 25",
        ),
        (
            lambda folder: np.save(folder / "fog.npy", np.zeros((5 * EACH, 8, 8, 3))),
            r"fog.npy: must be uint8 \(120, .* got float64 \(120, 8, 8, 3\)",
        ),
        (
            lambda folder: np.save(folder / "fog.npy", np.array([{}]), allow_pickle=True),
            "no array of numbers",
        ),
    ],
)
def test_other_files_are_one_clear_line_before_anything_is_trained(tmp_path: Path, change, told):
    folder = made(tmp_path / "CIFAR-10-C", 8)
    np.save(folder / "fogs.npy", np.zeros(1))
    change(folder)
    if not told:
        assert list(chosen(asked(folder))) == ["cifar_c"]
        return
    with pytest.raises(UserError, match=told) as error:
        chosen(asked(folder))
    assert "\n" not in str(error.value) and str(error.value).startswith("measure.set.cifar_c.path")


PUBLISHED = """brightness contrast defocus_blur elastic_transform fog frost gaussian_blur
gaussian_noise glass_blur impulse_noise jpeg_compression motion_blur pixelate saturate shot_noise
snow spatter speckle_noise zoom_blur""".split()


def test_all_published_files_are_found_under_their_names(tmp_path: Path):
    np.save(tmp_path / "labels.npy", np.zeros(5, np.uint8))
    for name in PUBLISHED:
        np.save(tmp_path / f"{name}.npy", np.zeros((5, 32, 32, 3), np.uint8))
    cls = measures.get("cifar_c")
    fifteen = cls(path=str(tmp_path)).quantities[0]
    more = cls(path=str(tmp_path), names=tuple(PUBLISHED)).quantities[0]
    assert isinstance(fifteen, Quantity) and isinstance(more, Quantity)
    ticks = {*fifteen.axes[0].ticks}
    extra = {"gaussian_blur", "saturate", "spatter", "speckle_noise"}
    assert ticks < {*PUBLISHED} == {*more.axes[0].ticks} and {*PUBLISHED} - ticks == extra


def test_no_path(tmp_path: Path):
    with pytest.raises(UserError, match=r"measure\.set\.cifar_c\.path"):
        chosen(config.Measured(names=("cifar_c",)))
    with pytest.raises(UserError, match="no such folder"):
        chosen(asked(tmp_path / "nowhere"))


def test_images_of_another_size(tmp_path: Path):
    measure = measures.get("cifar_c")(path=str(made(tmp_path / "c", 8)), names=NAMES)
    subject = replace(bright(3), target=Classification(tuple("abc")))
    with pytest.raises(UserError, match=r"\(8, 8, 3\), those of the model \(4, 4, 3\)"):
        measure.of(subject)
