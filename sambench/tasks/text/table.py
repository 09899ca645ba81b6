"""Texts and their labels from a file: one label each, or every rater's."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sambench.errors import UserError, echo
from sambench.tasks.frames import FILES, column, in_order, word, words
from sambench.tasks.frames import read as read_frame

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5  # texts of a class, on average

Votes = tuple[str, ...]
"""of a text: its label by each rater, one at least"""


class Labelled(NamedTuple):
    """The rows of one file that have a label."""

    texts: tuple[tuple[str, ...], ...]
    """one, or the two of a pair"""
    truth: tuple[str, ...]
    """what all raters together say"""
    votes: tuple[Votes, ...]
    undecided: int
    """rows left out, on which raters are divided evenly"""


@dataclass(frozen=True)
class Read:
    """All files, in numbers."""

    files: Mapping[str, Labelled]
    texts: tuple[tuple[str, ...], ...]
    truth: np.ndarray
    """(n,) int64"""
    votes: tuple[np.ndarray, ...]
    """int64, of a text"""
    classes: tuple[str, ...]

    @property
    def undecided(self) -> int:
        return sum(own.undecided for own in self.files.values())

    @property
    def dissent(self) -> float:
        """The share of votes that are not the truth, of a mean text."""
        pairs = zip(self.votes, self.truth, strict=True)
        return float(np.mean([np.mean(own != truth) for own, truth in pairs]))

    def one_vote_each(self, rng: np.random.Generator) -> np.ndarray:
        """(n,) int64"""
        return np.array([rng.choice(own) for own in self.votes])


class Columns(NamedTuple):
    text: tuple[str, ...]
    label: str
    ratings: str | None
    threshold: float | None


def read(key: str, path: str, columns: Columns) -> Labelled:
    """A file's texts and labels, read once; UserError, at `key` or a column's, for what is none."""
    file = Path(path).expanduser()
    if file.suffix.lower() not in FILES:
        raise UserError(f"task.{key}: texts stand in .csv, .tsv or .parquet, got {echo(path)}")
    if not file.is_file():
        raise UserError(f"task.{key}: no file {echo(path)}")
    return _read(key, file, columns, file.stat().st_mtime_ns)


def together(files: Mapping[str, Labelled]) -> Read:
    """UserError where the labels are no classes to learn."""
    return _together(tuple(files.items()))


@lru_cache(maxsize=1)
def _together(files: tuple[tuple[str, Labelled], ...]) -> Read:
    parts = [own for _, own in files]
    votes = [own for part in parts for own in part.votes]
    truth = [own for part in parts for own in part.truth]
    classes = in_order({*truth, *(vote for own in votes for vote in own)})
    if len(classes) < 2 or len(classes) * FEWEST > len(truth):
        raise UserError(
            f"task.label: {len(classes)} different labels of {len(truth)} texts are no classes to "
            "learn"
        )
    code = {label: number for number, label in enumerate(classes)}
    return Read(
        dict(files),
        tuple(text for part in parts for text in part.texts),
        np.array([code[own] for own in truth]),
        tuple(np.array([code[vote] for vote in own]) for own in votes),
        classes,
    )


@lru_cache(maxsize=2)
def _read(key: str, path: Path, columns: Columns, stamp: int) -> Labelled:
    """`stamp` makes that a file is read again once it has changed."""
    frame = read_frame(key, path)
    texts = tuple(zip(*(_texts(frame, path, name) for name in columns.text), strict=True))
    if columns.ratings is None:
        labels = words(frame, path, "label", columns.label)
        return Labelled(texts, labels, tuple((label,) for label in labels), 0)
    found = _ratings(frame, path, columns.ratings)
    ruled = [_ruled(own, path, columns.threshold) for own in found]
    kept = [(text, *own) for text, own in zip(texts, ruled, strict=True) if own is not None]
    if not kept:
        raise UserError(f"task.ratings: {path}: of no text do raters say one thing")
    return Labelled(*zip(*kept, strict=True), undecided=len(texts) - len(kept))


def _texts(frame: "pd.DataFrame", path: Path, name: str) -> list[str]:
    found = column(frame, path, "text", name)
    other = next((own for own in found if isinstance(own, int | float) and own == own), None)
    if other is not None:
        raise UserError(f"task.text: {echo(name)} of {path} holds no texts but {echo(other)}")
    texts = [own if isinstance(own, str) else "" for own in found]
    if num := sum(not own.strip() for own in texts):
        raise UserError(f"task.text: {echo(name)} is empty in {num} of {len(texts)} rows of {path}")
    return texts


def _ratings(frame: "pd.DataFrame", path: Path, name: str) -> list[list[object]]:
    """Of each text; in a file of texts they are JSON."""
    found = []
    for row, own in enumerate(column(frame, path, "ratings", name), 1):
        try:
            given = json.loads(own) if isinstance(own, str) else list(own)  # pyright: ignore[reportArgumentType]
        except (TypeError, ValueError):
            given = None
        if not isinstance(given, list) or not given or not all(map(word, given)):
            rule = 'must be a list such as [1, -2] or ["yes", "no"]'
            raise UserError(f"task.ratings: {echo(name)} {rule}, got {echo(own)} in row {row}")
        found.append(given)
    return found


def _ruled(ratings: Sequence[object], path: Path, at: float | None) -> tuple[str, Votes] | None:
    """What all raters say, and each of them; None where they are divided evenly.

    at: of numbers: their mean lies above it or not, and so does each of them
    """
    if at is None:
        votes = tuple(map(word, ratings))
        (first, most), *others = Counter(votes).most_common(2)
        return None if others and others[0][1] == most else (first, votes)
    numbers = [float(own) for own in ratings if isinstance(own, int | float | np.number)]
    if len(numbers) < len(ratings):
        raise UserError(f"task.threshold: is for numbers, and raters in {path} say other things")
    not_above, above = f"at most {at:g}", f"above {at:g}"
    votes = tuple(above if own > at else not_above for own in numbers)
    return above if fsum(own - at for own in numbers) > 0 else not_above, votes
