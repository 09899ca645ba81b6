"""Classification datasets of torchvision, by class name, downloaded when they are asked for."""

import importlib.util
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torchvision
from filelock import FileLock
from torchvision.datasets import VisionDataset

from sambench.errors import UserError
from sambench.tasks.contents import Contents, of_arrays
from sambench.tasks.images.decode import Decoded, cached, mixed_sizes, quietly, stack, to_array
from sambench.tasks.images.images import Images, Pool

DEFAULT_ROOT = Path("data")
Arguments = dict[str, str | bool]


class Splits(NamedTuple):
    """Constructor arguments."""

    pool: tuple[Arguments, ...]
    """of the published training set, and of the validation set if there is one: the two are one
    pool, from which every seed draws both anew"""
    test: Arguments | None
    """None: no published test set"""


def _split(*pool: str, test: str = "test") -> Splits:
    return Splits(tuple({"split": name} for name in pool), {"split": test})


_FLAG = Splits(({"train": True},), {"train": False})
_WHOLE = Splits(({},), None)


def _emnist(split: str) -> Splits:
    return Splits(({"split": split, "train": True},), {"split": split, "train": False})


SETS: dict[str, Splits] = {
    "Caltech101": _WHOLE,
    "Caltech256": _WHOLE,
    "CIFAR10": _FLAG,
    "CIFAR100": _FLAG,
    "CLEVRClassification": _split("train", test="val"),  # labels of its test set are not public
    "Country211": _split("train", "valid"),
    "DTD": _split("train", "val"),
    "EMNIST": _emnist("balanced"),
    "EMNIST:balanced": _emnist("balanced"),
    "EMNIST:byclass": _emnist("byclass"),
    "EMNIST:bymerge": _emnist("bymerge"),
    "EMNIST:digits": _emnist("digits"),
    "EMNIST:letters": _emnist("letters"),
    "EMNIST:mnist": _emnist("mnist"),
    "EuroSAT": _WHOLE,
    "FashionMNIST": _FLAG,
    "FER2013": _split("train"),
    "FGVCAircraft": _split("trainval"),
    "Flowers102": _split("train", "val"),
    "Food101": _split("train"),
    "GTSRB": _split("train"),
    "Imagenette": _split("train", test="val"),
    "KMNIST": _FLAG,
    "MNIST": _FLAG,
    "OxfordIIITPet": _split("trainval"),
    "PCAM": _split("train", "val"),
    "QMNIST": _FLAG,
    "RenderedSST2": _split("train", "val"),
    "SEMEION": _WHOLE,
    "StanfordCars": _split("train"),
    "STL10": _split("train"),
    "SVHN": _split("train"),
    "USPS": _FLAG,
}
"""By name, or name and version."""
BY_HAND = frozenset({"FER2013", "StanfordCars"})
"""torchvision has no working download for them."""
NEEDS = {"PCAM": "h5py"}
"""Packages that torchvision imports for a set and does not install."""
_LARGE = "fits in no memory, and torchvision's copy does not stream; unpack it to folder:PATH"
REFUSED = {
    "CelebA": "has 40 labels an image, not one",
    "FakeData": 'is noise; use "synthetic"',
    "ImageNet": _LARGE,
    "INaturalist": _LARGE,
    "LFWPairs": "holds pairs of images",
    "LFWPeople": "has other people in its training set than in its test set",
    "LSUN": _LARGE,
    "Omniglot": "has other classes in its training set than in its test set",
    "Places365": _LARGE,
    "SUN397": "is listed by torchvision in the order of the file system, which differs by machine",
}
"""What is no dataset here though torchvision has it, and why."""


def refusal(name: str) -> str:
    """Why a dataset of torchvision is none of SETS; "" for names that torchvision does not know."""
    for known in torchvision.datasets.__all__:
        if known.lower() == name.lower():
            return f"torchvision's {known} {REFUSED.get(known, 'is no set of classified images')}"
    return ""


def check_needs(name: str) -> None:
    """UserError if a package is missing."""
    package = NEEDS.get(name, "")
    if package and importlib.util.find_spec(package) is None:
        raise UserError(f"task.dataset: {name} needs the package {package}: pip install {package}")


@dataclass(frozen=True)
class Torchvision:
    """`name` is a key of SETS. Grey arrays keep one channel, picture files are read as RGB."""

    name: str
    image_size: int | None

    def counts(self) -> None:
        """Unknown before the files are there."""

    def is_there(self, cache: Path) -> bool:
        """Whether torchvision finds the files; downloads nothing."""
        constructor = getattr(torchvision.datasets, self.name.partition(":")[0])
        parts = SETS[self.name]
        try:
            for arguments in (*parts.pool, *([] if parts.test is None else [parts.test])):
                constructor(cache, **arguments)
        except (RuntimeError, OSError, ValueError):
            return False
        return True

    def read(self, cache: Path | None) -> Pool:
        """Files are looked for in, and downloaded to, `cache` (./data without one)."""
        root, parts = cache or DEFAULT_ROOT, SETS[self.name]
        pool = [self._part(root, arguments, cache) for arguments in parts.pool]
        test = None if parts.test is None else self._part(root, parts.test, cache)
        train = self._joined([part.images for part in pool])
        num_classes = 1 + int(train.y.max())
        read = [*pool, test] if test else pool
        contents = {f"{i}/{k}": v for i, part in enumerate(read) for k, v in part.contents.items()}
        return Pool(train, test and test.images, _classes(pool[0].names, num_classes), contents)

    def _joined(self, parts: Sequence[Images]) -> Images:
        first, *others = parts
        for other in others:
            if other.shape[1:] != first.shape[1:]:
                raise mixed_sizes(first.shape[2:], other.shape[2:], self.name)
        if not others:
            return first
        return Images(torch.cat([p.x for p in parts]), torch.cat([p.y for p in parts]))

    def _part(self, root: Path, arguments: Arguments, cache: Path | None) -> "_Part":
        dataset = self._open(root, arguments)
        names = getattr(dataset, "classes", None)
        if hasattr(dataset, "data"):  # arrays in memory already: nothing to keep on disk
            return _Part(*self._decode(dataset, dataset[0][0].mode), names)
        key = repr((self, arguments, len(dataset), torchvision.__version__))
        return _Part(*cached(key, cache, lambda: self._decode(dataset, "RGB")), names)

    def _open(self, root: Path, arguments: Arguments) -> VisionDataset:
        constructor = getattr(torchvision.datasets, self.name.partition(":")[0])
        attempts: list[Arguments] = [{}] if self.name in BY_HAND else [{}, {"download": True}]
        reason = ""
        root.mkdir(parents=True, exist_ok=True)
        lock = f"{root}/.{constructor.__name__}.lock"
        with FileLock(lock):  # workers that start together download once
            for extra in attempts:
                try:
                    return constructor(root, **arguments, **extra)
                except TypeError:  # a wrong argument: ours
                    raise
                except Exception as error:  # no network, or damaged files of any format
                    reason = textwrap.shorten(str(error), 160) or type(error).__name__
        raise UserError(
            f"task.dataset: {self.name} is not in {root.absolute()} and could not be downloaded "
            f"({reason}); its files may be put there by hand"
        )

    def _decode(self, dataset: VisionDataset, mode: str) -> Decoded:
        labels: list[int] = []

        def arrays() -> Iterator[np.ndarray]:
            for i in range(len(dataset)):
                try:
                    picture, label = dataset[i]
                    array = to_array(picture, self.image_size, mode)
                    labels.append(int(label))
                except Exception as error:  # on broken files Pillow raises whatever happens to it
                    reason = textwrap.shorten(str(error), 160)
                    raise UserError(
                        f"task.dataset: {self.name}: cannot read image {i}: {reason}"
                    ) from error
                yield array

        with quietly():
            x = stack(arrays(), len(dataset), self.name)
        y = np.array(labels)
        return Decoded(Images(torch.from_numpy(x), torch.from_numpy(y)), of_arrays(x=x, y=y))


Names = Sequence[str | tuple[str, ...]] | None


class _Part(NamedTuple):
    images: Images
    contents: Contents
    names: Names
    """of the classes, where torchvision knows them"""


def _classes(names: Names, num_classes: int) -> tuple[str, ...]:
    """Their names (the first of several), else their numbers."""
    listed = names or range(num_classes)
    return tuple(name[0] if isinstance(name, tuple) else str(name) for name in listed)
