"""From a study's `[task]` to the data of one run."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from torch import Tensor

from sambench.errors import UserError, nearest
from sambench.tasks.contents import Contents, digest
from sambench.tasks.frames import FILES
from sambench.tasks.images.data import Data
from sambench.tasks.images.digits import Digits
from sambench.tasks.images.images import Pool, Samples, statistics
from sambench.tasks.images.listing import Folder, short
from sambench.tasks.images.picture_files import PictureFiles
from sambench.tasks.images.streaming import is_large
from sambench.tasks.images.synthetic import Synthetic
from sambench.tasks.images.table import Columns, Table
from sambench.tasks.images.torchvision_sets import SETS, Torchvision, check_needs, refusal
from sambench.tasks.noise import Flips, mislabel
from sambench.tasks.split import Split, draw, sizes
from sambench.tasks.weights import Weights, class_weights

FOLDER = "folder:"


class Task(Protocol):
    """The part of `config.Task` that concerns data."""

    @property
    def dataset(self) -> str: ...
    @property
    def image_size(self) -> int | None: ...
    @property
    def label_noise(self) -> float: ...
    @property
    def label_flips(self) -> Flips: ...
    @property
    def split(self) -> Split: ...
    @property
    def stream(self) -> bool | Literal["auto"]: ...
    @property
    def path(self) -> str: ...
    @property
    def label(self) -> tuple[str, ...]: ...
    @property
    def separator(self) -> str | None: ...
    @property
    def part(self) -> str | None: ...
    @property
    def model(self) -> str: ...
    @property
    def model_args(self) -> Mapping[str, object]: ...
    @property
    def pretrained(self) -> bool | str: ...
    @property
    def class_weights(self) -> Weights | None: ...


class Source(Protocol):
    """A dataset. Hashable: equal sources read equal pools."""

    def counts(self) -> tuple[int, int | None] | None:
        """Training and test images (None: no published test set), where that is cheap to tell."""
        ...

    def read(self, cache: Path | None) -> Pool:
        """All of it. What is costly to get is kept under `cache`."""
        ...


def check(task: Task) -> None:
    """Raise a UserError where `load` would, as far as can be told without opening an image."""
    source = find(task)
    _check_stream(source, task)
    if counts := source.counts():
        sizes(task.split, *counts, task.dataset)


def load(
    task: Task,
    streams: Mapping[str, int],
    cache: Path | None = None,
    began_with: str | None = None,
) -> Data:
    """The data of one run, on the CPU, a function of `task` and two seeds.

    `streams["split"]` draws training and validation set, `streams["labels"]` which of their labels
    are wrong. Test set and test labels depend on neither.

    began_with: the digest of what the dataset must hold; UserError if it holds anything else
    """
    pool = _pool(task, cache)
    if began_with is not None and digest(_with_weights(task, pool)) != began_with:
        also = " or its pretrained weights have" if task.pretrained else " has"
        raise UserError(
            f"task.dataset: {short(task.dataset)}{also} changed since the study began; "
            "undo that, or start a new study with --fork NAME"
        )
    train, val, test = _drawn(task, pool, streams)
    rng = np.random.default_rng(streams["labels"])
    if train.y.ndim == 1:
        train, val = (
            mislabel(part, task.label_noise, pool.classes, rng, task.label_flips)
            for part in (train, val)
        )
    if task.pretrained:
        from sambench.tasks.images import pretrained  # imports timm, which is slow

        mean, std = pretrained.statistics(task, train.shape[1])
    else:
        mean, std = statistics(train.histogram())
    asked = task.class_weights
    weights = None if asked is None else class_weights(asked, train.y, pool.classes)
    return Data(train, val, test, pool.classes, mean, std, weights)


def true_labels(task: Task, streams: Mapping[str, int], cache: Path | None = None) -> Tensor:
    """Of the training set that `load` gives, (n,) on the CPU: before some were replaced."""
    return _drawn(task, _pool(task, cache), streams)[0].y


def _drawn(task: Task, pool: Pool, streams: Mapping[str, int]) -> tuple[Samples, Samples, Samples]:
    """Training, validation and test set, with right labels."""
    num_test = None if pool.test is None else len(pool.test)
    fitting = sizes(task.split, len(pool.train), num_test, task.dataset)
    return draw(pool.train, pool.test, fitting, streams["split"])


def contents(task: Task, cache: Path | None = None) -> Contents:
    """Digests of all that the dataset holds, whatever the split, and of pretrained weights."""
    return _with_weights(task, _pool(task, cache))


def _with_weights(task: Task, pool: Pool) -> Contents:
    if not task.pretrained:
        return pool.contents
    from sambench.tasks.images import pretrained  # imports timm, which is slow

    return {**pool.contents, **pretrained.contents(task)}


def notes(task: Task) -> tuple[str, ...]:
    """What a user should know about how the dataset is read, a line each."""
    source = find(task)
    return source.notes() if isinstance(source, PictureFiles) else ()


def is_there(task: Task, cache: Path) -> bool:
    """Whether a set of torchvision's is on this machine; downloads nothing."""
    source = find(task)
    return source.is_there(cache) if isinstance(source, Torchvision) else True


def is_ours(dataset: str) -> bool:
    """Whether this name makes `load` read something."""
    name = dataset.lower()
    known = {"digits", "synthetic", *map(str.lower, SETS)}
    return name in known or name.startswith(FOLDER) or name.endswith(FILES)


def find(task: Task) -> Source:
    """The source that `task.dataset` names; upper and lower case are the same, except in a path."""
    if task.dataset.lower().startswith(FOLDER):
        folder = Folder(_expanded(FOLDER, task.dataset[len(FOLDER) :]))
        return PictureFiles(folder, task.image_size)
    if task.dataset.lower().endswith(FILES):
        columns = Columns(task.path, task.label, task.part, task.separator)
        return PictureFiles(Table(_expanded("", task.dataset), columns), task.image_size)
    sets = {name.lower(): name for name in SETS}
    match task.dataset.lower():
        case "digits":
            return Digits(task.image_size)
        case "synthetic":
            return Synthetic.sized(task.image_size, task.split)
        case name if name in sets:
            check_needs(sets[name])
            return Torchvision(sets[name], task.image_size)
        case _:
            raise UserError(f"task.dataset: {_unknown(task.dataset, sets)}")


def _expanded(kind: str, path: str) -> Path:
    if not path.strip():
        raise UserError("task.dataset: folder: names no folder; write folder:PATH")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = path.partition("/")[0]
        raise UserError(f"task.dataset: {kind}{short(path)}: no home folder of {user}") from None


def _unknown(dataset: str, sets: Iterable[str]) -> str:
    if "/" in dataset or os.path.isdir(dataset):
        return f"unknown dataset {short(dataset)}; a folder of pictures is folder:{short(dataset)}"
    if reason := refusal(dataset):
        return reason
    known = [*sets, "digits", "synthetic", "folder:PATH", "TABLE.csv"]
    return f"unknown dataset {short(dataset)}, {nearest(dataset.lower(), known)}"


def _pool(task: Task, cache: Path | None) -> Pool:
    source = _placed(find(task), task)
    return _read(source, source.stamp() if isinstance(source, PictureFiles) else "", cache)


def _placed(source: Source, task: Task) -> Source:
    """The source, told whether its pictures stay in their files or go into memory."""
    if isinstance(source, PictureFiles):
        streams = _large(source) if task.stream == "auto" else task.stream
        return replace(source, streams=streams)
    _check_stream(source, task)
    return source


@lru_cache(maxsize=1)
def _large(source: PictureFiles) -> bool:
    return is_large(source.num_bytes())


def _check_stream(source: Source, task: Task) -> None:
    if task.stream is True and not isinstance(source, PictureFiles):
        raise UserError(f"task.stream: only pictures in files stream, {task.dataset} does not")


@lru_cache(maxsize=1)
def _read(source: Source, stamp: str, cache: Path | None) -> Pool:
    """`stamp` makes that a source is read again once its files have changed."""
    return source.read(cache)
