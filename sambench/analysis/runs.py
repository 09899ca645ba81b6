"""Runs of a study, a column at a time: records may have a million rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sambench.records import hyperparameters


@dataclass(frozen=True)
class Runs:
    """Some rows of a frame, in an order of their own."""

    frame: pd.DataFrame
    at: np.ndarray
    """their places in it, whole numbers (runs,)"""

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, name: str) -> np.ndarray:
        """A column of numbers, (runs,)."""
        return self.frame[name].to_numpy()[self.at]

    def texts(self, name: str) -> list[str]:
        """A column of texts; empty ones where the records have no such column."""
        if name not in self.frame:
            return [""] * len(self)
        return self.frame[name].iloc[self.at].tolist()

    def first(self, num: int) -> "Runs":
        return Runs(self.frame, self.at[:num])

    def where(self, kept: np.ndarray) -> "Runs":
        """Those of which it is true, bool (runs,)."""
        return Runs(self.frame, self.at[kept])

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns, a row a run."""
        return self.frame[list(columns)].iloc[self.at]

    @cached_property
    def is_complete(self) -> np.ndarray:
        """Whether each ran to its end."""
        return self._is("outcome", "complete")

    @property
    def complete(self) -> "Runs":
        return self.where(self.is_complete)

    @property
    def ended(self) -> "Runs":
        """Complete or diverged: what became of a failed run says nothing about its setting."""
        return self.where(self.is_complete | self._is("outcome", "diverged"))

    @property
    def values(self) -> Iterator[dict[str, float | str | bool]]:
        """All hyperparameters of each, lr among them."""
        texts = self.texts("hyperparameters")
        known = {text: hyperparameters(text) for text in set(texts)}
        for text, lr in zip(texts, self["lr"].tolist(), strict=True):
            yield {**known[text], "lr": lr}

    def machines(self) -> dict[str, int]:
        """How many runs each machine had; a lost run has none."""
        had = self.where(self.frame["device"].ne("").to_numpy()[self.at])
        names = self.frame["machine"].cat
        counts = np.bincount(names.codes.to_numpy()[had.at], minlength=len(names.categories))
        return {name: n for name, n in zip(names.categories, counts.tolist(), strict=True) if n}

    def is_on(self, machine: str) -> np.ndarray:
        """Which of them ran there."""
        return self._is("machine", machine)

    def _is(self, name: str, value: str) -> np.ndarray:
        """Where a column of few texts has this one."""
        found = self.frame[name].cat
        if value not in found.categories:
            return np.zeros(len(self), bool)
        return found.codes.to_numpy()[self.at] == found.categories.get_loc(value)
