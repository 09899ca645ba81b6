"""Classification datasets of torchvision, by class name, downloaded when they are asked for."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from filelock import FileLock
from torchvision.datasets import VisionDataset

from sambench.data.decode import cached, stack, to_array
from sambench.data.images import Images, Pool
from sambench.errors import UserError

DEFAULT_ROOT = Path("data")
Arguments = dict[str, Any]

_TRAIN_FLAG: tuple[Arguments, Arguments] = {"train": True}, {"train": False}
_SPLIT: tuple[Arguments, Arguments] = {"split": "train"}, {"split": "test"}
_TRAINVAL: tuple[Arguments, Arguments] = {"split": "trainval"}, {"split": "test"}
_WHOLE: tuple[Arguments, None] = {}, None

SETS: dict[str, tuple[Arguments, Arguments | None]] = {
    "Caltech101": _WHOLE,
    "Caltech256": _WHOLE,
    "CIFAR10": _TRAIN_FLAG,
    "CIFAR100": _TRAIN_FLAG,
    "Country211": _SPLIT,
    "DTD": _SPLIT,
    "EMNIST": ({"split": "balanced", "train": True}, {"split": "balanced", "train": False}),
    "EuroSAT": _WHOLE,
    "FashionMNIST": _TRAIN_FLAG,
    "FGVCAircraft": _TRAINVAL,
    "Flowers102": _SPLIT,
    "Food101": _SPLIT,
    "GTSRB": _SPLIT,
    "Imagenette": ({"split": "train"}, {"split": "val"}),
    "KMNIST": _TRAIN_FLAG,
    "MNIST": _TRAIN_FLAG,
    "OxfordIIITPet": _TRAINVAL,
    "PCAM": _SPLIT,
    "QMNIST": _TRAIN_FLAG,
    "RenderedSST2": _SPLIT,
    "SEMEION": _WHOLE,
    "StanfordCars": _SPLIT,
    "STL10": _SPLIT,
    "SVHN": _SPLIT,
    "USPS": _TRAIN_FLAG,
}
"""Constructor arguments of the training and of the test part; None: no published test set.

Left out are those whose classes differ between the parts (Omniglot, LFWPeople), whose test labels
are not public (CLEVR, FER2013), whose order is the file system's (SUN397), and those that no
memory holds (ImageNet, Places365, INaturalist, LSUN).
"""
_BY_HAND = frozenset({"StanfordCars"})  # torchvision knows no working download


@dataclass(frozen=True)
class Torchvision:
    """`name` is a key of SETS. Grey arrays keep one channel, picture files are read as RGB."""

    name: str
    image_size: int | None

    def counts(self) -> None:
        """Unknown before the files are there."""

    def read(self, cache: Path | None) -> Pool:
        """Files are looked for in, and downloaded to, `cache` (./data without one)."""
        root = cache or DEFAULT_ROOT
        train_arguments, test_arguments = SETS[self.name]
        dataset = self._open(root, train_arguments)
        train, test = self._images(dataset, train_arguments, cache), None
        if test_arguments is not None:
            test = self._images(self._open(root, test_arguments), test_arguments, cache)
        return Pool(train, test, _classes(dataset, 1 + int(train.y.max())))

    def _open(self, root: Path, arguments: Arguments) -> VisionDataset:
        constructor = getattr(torchvision.datasets, self.name)
        attempts: list[Arguments] = [{}] if self.name in _BY_HAND else [{}, {"download": True}]
        reason = ""
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{self.name}.lock"):  # workers that start together download once
            for extra in attempts:
                try:
                    return constructor(root, **arguments, **extra)
                except (RuntimeError, OSError) as error:
                    reason = textwrap.shorten(str(error), 160)
        raise UserError(
            f"task.dataset: {self.name} is not in {root.absolute()} and could not be downloaded "
            f"({reason}); its files may be put there by hand"
        )

    def _images(self, dataset: Any, arguments: Arguments, cache: Path | None) -> Images:
        if hasattr(dataset, "data"):  # arrays in memory already: nothing to keep on disk
            return self._decode(dataset, dataset[0][0].mode)
        key = repr((self, arguments, len(dataset), torchvision.__version__))
        return cached(key, cache, lambda: self._decode(dataset, "RGB"))

    def _decode(self, dataset: Any, mode: str) -> Images:
        labels: list[int] = []

        def arrays() -> Iterator[np.ndarray]:
            for i in range(len(dataset)):
                picture, label = dataset[i]
                labels.append(int(label))
                yield to_array(picture, self.image_size, mode)

        x = torch.from_numpy(stack(arrays(), len(dataset), self.name))
        return Images(x, torch.tensor(labels))


def _classes(dataset: VisionDataset, num_classes: int) -> tuple[str, ...]:
    """Their names where torchvision knows them (the first of several), else their numbers."""
    names = getattr(dataset, "classes", None) or range(num_classes)
    return tuple(name[0] if isinstance(name, tuple) else str(name) for name in names)
