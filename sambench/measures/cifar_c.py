"""Accuracy on the published files of CIFAR-10-C or CIFAR-100-C."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from sambench.config import Broken, Listed
from sambench.errors import UserError, kind_and_words, nearest
from sambench.measures.corrupted import summed_up
from sambench.measures.measure import Measure
from sambench.measures.predictions import accuracy
from sambench.measures.registry import measures
from sambench.measures.subject import Batch, Subject
from sambench.records import Axis, Quantity

SEVERITIES = 5
Name = Annotated[str, Field(min_length=1)]
NAMES = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur"),
    *("motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast"),
    *("elastic_transform", "pixelate", "jpeg_compression"),
)


@measures.register("cifar_c")
class CifarC(Measure):
    """Accuracy on the files in the folder `path`: `names` of the published corruptions.

    Each NAME.npy holds the same images at severity 1, then at 2, up to 5: (n, 32, 32, 3) uint8, n
    = 50,000 as published; labels.npy their n labels, so five times the same. Of each severity the
    first images are measured, as many as of the test set. `cifar_c`: the mean over corruptions and
    severities.
    """

    title = "CIFAR-10-C, CIFAR-100-C"
    source = "Hendrycks & Dietterich 2019, arXiv:1903.12261; zenodo.org/records/2535967 and 3555552"
    subset = "test"
    needs = "images"
    cannot_tell = (
        "They are the published test images: of a model that was trained on some of them it says "
        "too much."
    )

    path: Name
    names: Annotated[tuple[Name, ...], Listed, Field(min_length=1)] = NAMES

    @model_validator(mode="after")
    def _has_files(self) -> Self:
        try:
            num = len(_labels(Path(self.path)))
            for name in self.names:
                _images(Path(self.path), name, num)
        except UserError as error:
            raise Broken(str(error), "path") from None
        return self

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        axes = (
            Axis(name="corruption", ticks=self.names),
            Axis(name="severity", ticks=tuple(range(SEVERITIES + 1))),
        )
        return (Quantity(name="cifar_c", unit="share", direction="maximize", axes=axes),)

    @property
    def evaluations(self) -> float:
        return (len(self.names) * SEVERITIES + 1) / 3

    def of(self, subject: Subject) -> dict[str, float]:
        clean = accuracy(subject, subject.batches("test"))
        labels = _labels(Path(self.path))
        if labels.max() >= subject.classes:
            raise UserError(f"{self.path}: label {labels.max()} of {subject.classes} classes")
        each = len(labels) // SEVERITIES
        rows = min(each, sum(len(y) for _, y in subject.test))
        table = np.full((len(self.names), SEVERITIES + 1), clean)
        for i, name in enumerate(self.names):
            images = _images(Path(self.path), name, len(labels))
            _check_size(self.path, images, subject)
            for level in range(SEVERITIES):
                chosen = slice(level * each, level * each + rows)
                batches = _batches(images[chosen], labels[chosen], subject)
                table[i, level + 1] = accuracy(subject, batches)
        return {"cifar_c": summed_up(table)}


def _read(path: Path) -> np.ndarray:
    """UserError for what is no array file, or an array that would run code."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: no array of numbers: {kind_and_words(error)}") from None
    if not isinstance(found, np.ndarray):
        raise UserError(f"{path}: must hold one array")
    return found


def _labels(folder: Path) -> np.ndarray:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    path = folder / "labels.npy"
    found = _read(path)
    whole = found.ndim == 1 and len(found) and not len(found) % SEVERITIES
    if not whole or found.dtype.kind not in "iu" or found.min() < 0:
        raise UserError(
            f"{path}: must be n whole numbers, for as many images at each of {SEVERITIES} "
            f"severities, got {found.dtype} {found.shape}"
        )
    labels = np.array(found, np.int64)
    for level, own in enumerate(labels.reshape(SEVERITIES, -1), 1):
        if len(other := np.flatnonzero(own != labels[: len(own)])):
            raise UserError(
                f"{path}: must repeat the labels of the same images for each of {SEVERITIES} "
                f"severities, but those of severity {level} differ at image {other[0]}"
            )
    return labels


def _images(folder: Path, name: str, num: int) -> np.ndarray:
    path = folder / f"{name}.npy"
    if not path.is_file():
        near = nearest(name, sorted(own.stem for own in folder.glob("*.npy")))
        raise UserError(f"{path}: no such file, {near}")
    found = _read(path)
    if found.dtype != np.uint8 or found.ndim != 4 or len(found) != num:
        raise UserError(
            f"{path}: must be uint8 ({num}, height, width, channels), as labels.npy has {num}, "
            f"got {found.dtype} {found.shape}"
        )
    return found


def _check_size(path: str, images: np.ndarray, subject: Subject) -> None:
    _, channels, height, width = subject.test[0][0].shape
    if images.shape[1:] != (height, width, channels):
        own, wanted = images.shape[1:], (height, width, channels)
        raise UserError(f"{path}: its images are {own}, those of the model {wanted}")


def _batches(images: np.ndarray, labels: np.ndarray, subject: Subject) -> Iterator[Batch]:
    device, size = subject.device, len(subject.test[0][1])
    for i in range(0, len(labels), size):
        x = torch.from_numpy(np.array(images[i : i + size])).to(device)
        y = torch.from_numpy(labels[i : i + size]).to(device)
        yield x.permute(0, 3, 1, 2).double() / 255, y
